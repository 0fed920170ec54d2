// A gateway in a process of its own, as `slurp serve` has it; started by bench/event-http.ts, with the roles as JSON:
// `event-gateway DIRECTORY STATUS_ROLE CATALOG_ROLE`. Prints its address, and ends when its standard input does.
import { join } from 'node:path';

import { z } from 'zod';

import { readSiteKey } from '#config/read-site-key.ts';
import { openDatabase } from '#db/connect.ts';
import { startGateway } from '#serve/start-gateway.ts';

const roleSchema = z.object({ role: z.enum(['status', 'catalog']), schema: z.string(), url: z.string() });

const [directory = '', ...roles] = process.argv.slice(2);
const [status, catalog] = roles.map((role) =>
  openDatabase(roleSchema.parse(JSON.parse(role)), { applicationName: 'bench gateway' }),
);
if (status === undefined || catalog === undefined) throw new Error('Expected two roles');
const databases = { status, catalog };
const quiet = (): undefined => undefined;

async function runGateway(): Promise<void> {
  const gateway = await startGateway({
    site: { gateway: { host: '127.0.0.1', port: 0, isInsecure: false }, spoolDirectory: join(directory, 'spool') },
    ...databases,
    siteKey: await readSiteKey({ stateDirectory: directory }),
    version: 'bench',
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  process.stdout.write(`${gateway.url}\n`);
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
  await gateway.close();
  await Promise.all([databases.status.close(), databases.catalog.close()]);
}

void runGateway();
