import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { openDatabase } from '#db/connect.ts';
import { SiteError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { readAccountName } from '#util/process/read-account-name.ts';
import { headOf } from '#util/text/head-of.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { TurnPlace } from '#loop/run-turn.ts';
import type { LoopIdentity } from '#model/lease.ts';
import type { Log, Say } from '#model/log.ts';
import type { RoleName, Site } from '#model/site.ts';

/** A loop that is not heard of for so long has lost its rules to others. */
const leaseMs = 60_000;

/** Opens what a loop works with, and closes it when the command ends. */
export async function openLoopPlace(
  site: Site,
  { context, say, isVerbose }: { readonly context: MainContext; readonly say: Say; readonly isVerbose: boolean },
): Promise<TurnPlace> {
  assertMadeSite(site);
  await ensureSite(site, { say });
  const log = openLoopLog(site, isVerbose);
  const open = (role: RoleName): Database => openDatabase(site.roles[role], { applicationName: 'ramenya' });
  const databases = { daq: open('daq'), raw: open('raw'), catalog: open('catalog'), status: open('status') };
  context.onEnd(async () => {
    for (const database of Object.values(databases)) await database.close();
  });
  const workerDirectory = join(findPackageRoot(), 'dist', 'worker');
  return { loop: makeIdentity(), site, databases, backend: makeBackend(site), workerDirectory, leaseMs, log };
}

function makeIdentity(): LoopIdentity {
  return { uuid: randomUUID(), name: `${readAccountName()}@${headOf(hostname(), '.')}`, process: process.pid };
}

/** What a person must see, the command says itself. */
function openLoopLog(site: Site, isVerbose: boolean): Log {
  const directory = join(site.logDirectory, 'ramenya');
  try {
    return openLog({ command: 'ramenya', mode: site.mode, directory, shown: isVerbose ? 'info' : 'silent' });
  } catch (cause) {
    throw new SiteError(`Cannot write logs into '${directory}': ${describeError(cause, directory)}`, {
      code: 'site-log-directory',
      cause,
      advice: "Set 'logs' in the site file to another directory",
    });
  }
}
