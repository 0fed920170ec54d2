import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { createDirectory } from '#util/create-directory.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'make-directory-'));
});
afterAll(() => rm(home, { recursive: true }));

test('makes all levels, also twenty times at once, and again', async () => {
  const deep = join(home, 'a/b/c');
  await Promise.all(Array.from({ length: 20 }, () => createDirectory(deep)));
  await createDirectory(deep);
  expect(await readdir(join(home, 'a/b'))).toEqual(['c']);
});

test('ends with an error where nothing can be made, below a file, and below /proc', async () => {
  await writeFile(join(home, 'file'), '');
  await expect(createDirectory(join(home, 'file/below'))).rejects.toMatchObject({
    code: 'EEXIST',
    path: join(home, 'file'),
  });
  await expect(createDirectory(join(home, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(createDirectory('/proc/there-is-none/below')).rejects.toMatchObject({ code: 'ENOENT' });
});
