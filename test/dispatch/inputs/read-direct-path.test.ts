import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readDirectPath } from '#dispatch/inputs/read-direct-path.ts';

import type { DirectPathListing } from '#dispatch/inputs/read-direct-path.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-listing-'));
  const files = [
    'tpc/beam/a.evt',
    'tpc/beam/.hidden',
    'tpc/beam/below/deep.evt',
    'tpc/physics/b.evt',
    'intt/beam/a.evt',
    'intt/beam/tab\tand\nline',
    '.secret/beam/c.evt',
    'mvtx0/beam/d.evt',
    'mvtx1/beam/e.evt',
    'notes.txt',
  ];
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
  await symlink(join(root, 'tpc'), join(root, 'linked'));
});

afterAll(() => rm(root, { recursive: true }));

async function pathsOf({ files }: DirectPathListing): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { basename, path } of files) {
    expect(path.endsWith(`/${basename}`)).toBe(true);
    paths.push(path.slice(root.length + 1));
  }
  return paths.sort();
}

describe('a direct path (C-D14)', () => {
  it.each([
    ['tpc/beam', ['tpc/beam/a.evt']],
    ['tpc/beam/', ['tpc/beam/a.evt']],
    ['./tpc//beam/', ['tpc/beam/a.evt']],
    ['*/physics/', ['linked/physics/b.evt', 'tpc/physics/b.evt']],
    ['[it]*/beam', ['intt/beam/a.evt', 'intt/beam/tab\tand\nline', 'tpc/beam/a.evt']],
    ['mvtx?/beam/', ['mvtx0/beam/d.evt', 'mvtx1/beam/e.evt']],
    ['mvtx[!0]/be*', ['mvtx1/beam/e.evt']],
    ['.s*/beam', ['.secret/beam/c.evt']],
    ['no/such/*/folder', []],
    ['notes.txt', []],
    ['(odd/+name)', []],
  ])('%s lists %j', async (pattern, expected) => {
    expect(await pathsOf(readDirectPath(pattern, root))).toEqual(expected);
  });

  it('may be absolute, and counts what it met', async () => {
    const listing = readDirectPath(join(root, '*/beam'), '/');
    expect(listing.report).toEqual({ directories: 0, files: 0, unreadable: [], dangling: [] });
    expect(await pathsOf(listing)).toHaveLength(6);
    expect(listing.report).toEqual({ directories: 5, files: 6, unreadable: [], dangling: [] });
  });

  it('names directories that cannot be read', async () => {
    const loop = join(root, 'loop');
    await symlink(loop, loop);
    const listing = readDirectPath('loop', root);
    expect(await pathsOf(listing)).toEqual([]);
    expect(listing.report.unreadable).toEqual([`${loop} (ELOOP)`]);
  });
});

it('leaves out links that lead nowhere where inputs are to be verified, and names them (C-D20)', async () => {
  await mkdir(join(root, 'links'));
  await writeFile(join(root, 'links/a.evt'), '');
  await symlink('a.evt', join(root, 'links/b.evt'));
  await symlink('gone.evt', join(root, 'links/c.evt'));
  expect(await pathsOf(readDirectPath('links', root))).toEqual(['links/a.evt', 'links/b.evt', 'links/c.evt']);
  const verified = readDirectPath('links', root, true);
  expect(await pathsOf(verified)).toEqual(['links/a.evt', 'links/b.evt']);
  expect(verified.report).toMatchObject({ files: 2, dangling: [join(root, 'links/c.evt')] });
});
