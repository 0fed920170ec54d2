import { link, open, rename, unlink } from 'node:fs/promises';

import { codeOf } from '#util/code-of.ts';

/** A file system that knows no second name for a file. */
const noLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a finished copy its name, but never takes the name from another file.
 *
 * @returns false if the name is taken; the copy then is still under its temporary name
 * @throws the error of `node:fs`
 */
export async function putInPlace(copy: string, path: string): Promise<boolean> {
  try {
    await link(copy, path);
  } catch (error) {
    const errno = codeOf(error);
    if (errno === 'EEXIST') return false;
    if (!noLinks.has(errno)) throw error;
    return putInPlaceWithoutLinks(copy, path);
  }
  await unlink(copy);
  return true;
}

/** Takes the name with an empty file, which only one can do, and puts the copy over it. */
async function putInPlaceWithoutLinks(copy: string, path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close();
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  await rename(copy, path);
  return true;
}

/**
 * Puts a finished copy in the place of an older file, which is kept under another name; readers find one or the other
 * at every moment.
 *
 * @param kept must be free
 * @throws the error of `node:fs`
 */
export async function replaceAndKeep(copy: string, path: string, kept: string): Promise<void> {
  try {
    await link(path, kept);
  } catch (error) {
    if (!noLinks.has(codeOf(error))) throw error;
    await rename(path, kept);
  }
  await rename(copy, path);
}

/** Forces a directory's list of names to the disk, where its file system can do that. @throws the error of `node:fs` */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
