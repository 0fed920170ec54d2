import { wakeProcess } from '#util/process/wake-process.ts';

import { findPostgresServer } from './postgres/embedded-postgres.ts';
import { isServing, readServeRecord } from './serve-record.ts';
import { serverDirectoriesOf } from './site-directories.ts';

import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

/**
 * Lets `slurp serve` and the embedded database go on where a signal stopped them, and says so: by every other sign they
 * are alive, so that nothing would start them again, and nothing would be done. Takes a millisecond; never throws.
 */
export async function wakeServers(site: Site, say: Say): Promise<void> {
  const record = await readServeRecord(site.stateDirectory);
  if (record !== undefined && isServing(record) && wakeProcess(record.pid)) {
    say(`Resumed 'slurp serve' (process ${record.pid}), which a signal had stopped`);
  }
  if (site.kind !== 'embedded') return;
  const postgres = await findPostgresServer(serverDirectoriesOf(site.stateDirectory));
  if (postgres !== undefined && wakeProcess(postgres)) {
    say(`Resumed the database (process ${postgres}), which a signal had stopped`);
  }
}
