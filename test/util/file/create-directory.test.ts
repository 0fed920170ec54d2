import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createDirectory, createDirectoryNow } from '#util/file/create-directory.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'make-directory-'));
});
afterEach(() => rm(home, { recursive: true }));

const now = (directory: string, mode?: number): Promise<void> =>
  Promise.resolve().then(() => createDirectoryNow(directory, mode));

describe.each([
  ['makeDirectory', createDirectory],
  ['makeDirectoryNow', now],
])('%s', (_, make) => {
  test('makes all levels with their mode, also twenty times at once, and again', async () => {
    const deep = join(home, 'a/b/c');
    await Promise.all(Array.from({ length: 20 }, () => make(deep, 0o700)));
    await make(deep);
    expect(await readdir(join(home, 'a/b'))).toEqual(['c']);
    expect((await stat(join(home, 'a'))).mode & 0o777).toBe(0o700);
  });

  test('ends with an error where nothing can be made, below a file, and below /proc', async () => {
    const file = join(home, 'file');
    await writeFile(file, '');
    await expect(make(file)).rejects.toMatchObject({ code: 'EEXIST', path: file });
    await expect(make(join(file, 'below'))).rejects.toMatchObject({ path: expect.stringContaining(file) });
    await expect(make('/proc/there-is-none/below')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
