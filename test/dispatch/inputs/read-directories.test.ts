import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { readDirectories } from '#dispatch/inputs/read-directories.ts';

import type { DiskListing } from '#db/decide/decision-request.ts';
import type { OpenDirectory } from '#dispatch/inputs/read-directories.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-directories-'));
  for (const name of ['a', 'b', 'empty']) await mkdir(join(root, name));
  for (const name of ['a/1', 'a/2', 'b/3']) await writeFile(join(root, name), '');
});
afterAll(() => rm(root, { recursive: true }));

async function resultOf({ paths, unknown }: DiskListing) {
  const found: string[] = [];
  for await (const { path } of paths) found.push(path.replace(root, ''));
  return {
    found: found.toSorted(),
    unknown: [...unknown].map(([path, why]) => [path.replace(root, ''), why.replaceAll(root, '')] as const),
  };
}

it('lists files, and counts a missing directory as empty where others are beside it', async () => {
  const { found, unknown } = await resultOf(
    readDirectories(['a', 'b', 'gone', 'gone/deep'].map((name) => join(root, name))),
  );
  expect(found).toEqual(['/a/1', '/a/2', '/b/3']);
  expect(unknown).toEqual([]);
});

it('reports why a directory cannot be listed, and its files as unknown', async () => {
  const places = [join(root, 'a/1'), join(root, 'empty/run_1'), '/no-such-mount/data', 'root://server/data'];
  expect(new Map((await resultOf(readDirectories(places))).unknown)).toEqual(
    new Map([
      ['/a/1', 'cannot be listed (ENOTDIR)'],
      ['/empty/run_1', "'/empty' is empty: its file system may not be mounted"],
      ['/no-such-mount/data', 'no part of this path exists: its file system may not be mounted'],
      ['root://server/data', 'not a path on this machine'],
    ]),
  );
});

it('gives up on directories that do not answer, and then on those behind them', async () => {
  let opened = 0;
  const silent: OpenDirectory = () => {
    opened += 1;
    return new Promise(() => undefined);
  };
  const places = Array.from({ length: 5 }, (_, index) => `/dead/${index}`);
  const { found, unknown } = await resultOf(readDirectories(places, { directoryMs: 20, allMs: 60_000 }, silent));
  expect(found).toEqual([]);
  expect([unknown.length, opened]).toEqual([5, 3]);
  expect(unknown.at(-1)).toEqual(['/dead/4', 'not checked: the file system did not answer earlier']);
});

it('leaves out directories for which there is no time', async () => {
  const { unknown } = await resultOf(readDirectories([join(root, 'a')], { directoryMs: 1000, allMs: 0 }));
  expect(unknown).toEqual([['/a', 'not checked: the time limit was reached after 0 s']]);
});
