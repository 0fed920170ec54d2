import { link, open, rename, rm, unlink } from 'node:fs/promises';

import { codeOf } from '#util/code-of.ts';

/** A file system that knows no second name for a file. */
const noLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a finished copy its name, but never takes the name from another file.
 *
 * @returns false if the name is taken; the copy then is still under its temporary name
 * @throws the error of `node:fs`; then the name is free as before
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
  await rename(copy, path).catch(async (error: unknown) => {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  });
  return true;
}

/**
 * Puts a finished copy in the place of an older file, which is kept under another name; readers find one or the other
 * at every moment.
 *
 * @param kept must be free
 * @throws the error of `node:fs`; then the older file has its name as before
 */
export async function putReplacement(copy: string, path: string, kept: string): Promise<void> {
  let undo = (): Promise<void> => unlink(kept);
  try {
    await link(path, kept);
  } catch (error) {
    if (!noLinks.has(codeOf(error))) throw error;
    await rename(path, kept);
    undo = () => rename(kept, path);
  }
  await rename(copy, path).catch(async (error: unknown) => {
    await undo().catch(() => undefined);
    throw error;
  });
}

/** What `fsync` of a directory, or opening it, answers where it cannot be done. */
const noSync: ReadonlySet<string | undefined> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES']);

/**
 * Forces a directory's list of names to the disk, where its file system can do that and this account may read it.
 *
 * @throws the error of `node:fs`
 */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!noSync.has(codeOf(error))) throw error;
  }
}
