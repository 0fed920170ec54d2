import { join } from 'node:path';

import type { ServerFolders } from '#config/embedded-postgres.ts';

/** The folders of a server that lives in one folder of its own. */
export function foldersIn(directory: string): ServerFolders {
  return {
    data: join(directory, 'postgres'),
    socket: join(directory, 'run'),
    log: join(directory, 'postgres.log'),
    links: join(directory, 'lib'),
  };
}
