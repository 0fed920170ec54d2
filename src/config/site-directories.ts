import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';

import { canonicalPathOf } from '#util/file/canonical-path.ts';

import { socketPathOf } from './postgres/embedded-postgres.ts';

import type { ServerDirectories } from './postgres/embedded-postgres.ts';

/** Name of the directory of an embedded site. */
export const stateDirectoryName = '.slurp-site';

/** A socket's path in bytes at most, its final zero left out; unix(7). */
const longestSocketPath = 107;

/**
 * The directory of the database's socket: in the state directory, or where that path is too long for a socket, one in
 * `/tmp` whose name follows from the path and its owner, and which is checked at each start to be ours alone. It is the
 * same by whichever path the state directory is reached.
 */
export function socketDirectoryOf(stateDirectory: string): string {
  const own = canonicalPathOf(stateDirectory);
  const inside = join(own, 'run');
  if (Buffer.byteLength(socketPathOf(inside)) <= longestSocketPath) return inside;
  const owner = lstatSync(stateDirectory, { throwIfNoEntry: false })?.uid ?? process.getuid?.() ?? 0;
  const name = createHash('sha256').update(own).digest('hex').slice(0, 16);
  return join('/tmp', `slurp-${owner}-${name}`);
}

/** The directories of the embedded server of a site. */
export function serverDirectoriesOf(stateDirectory: string): ServerDirectories {
  return {
    data: join(stateDirectory, 'postgres'),
    socket: socketDirectoryOf(stateDirectory),
    log: join(stateDirectory, 'logs', 'postgres.log'),
    links: join(stateDirectory, 'lib'),
  };
}

/** Address of the embedded database; holds no secret: who may reach the socket may use it. */
export function embeddedUrlOf(stateDirectory: string): string {
  return `postgresql:///slurp?host=${encodeURIComponent(socketDirectoryOf(stateDirectory))}&user=slurp`;
}
