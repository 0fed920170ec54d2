import { join } from 'node:path';

import type { ServerDirectories } from '#config/postgres/embedded-postgres.ts';

/** The directories of a server that lives in one directory of its own. */
export function directoriesIn(directory: string): ServerDirectories {
  return {
    data: join(directory, 'postgres'),
    socket: join(directory, 'run'),
    log: join(directory, 'postgres.log'),
    links: join(directory, 'lib'),
  };
}
