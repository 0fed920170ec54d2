import { chmod, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Lets the owner write to a file, or to a directory and all in it; what symbolic links lead to stays as it is.
 *
 * @throws the error of `node:fs`
 */
export async function ensureWritable(path: string): Promise<void> {
  const facts = await lstat(path);
  if (facts.isSymbolicLink()) return;
  if ((facts.mode & 0o200) === 0) await chmod(path, (facts.mode & 0o7777) | 0o200);
  if (!facts.isDirectory()) return;
  for (const name of await readdir(path)) await ensureWritable(join(path, name));
}
