import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { findPayloadRefusal } from '#dispatch/payload/find-payload-refusal.ts';
import { readPayloadRepository } from '#dispatch/payload/payload-repository.ts';

import { openPayloadWorld } from './payload-world.ts';

import type { PayloadWorld } from './payload-world.ts';

let world: PayloadWorld;
let payload: string;
beforeEach(async () => {
  world = await openPayloadWorld();
  payload = join(world.code, 'calo');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await world.close();
});

async function commit(text: string): Promise<void> {
  await writeFile(join(payload, 'Fun.C'), text);
  await world.git(payload, 'commit', '--quiet', '--all', '-m', text);
}

test('recognises a payload that is published and current', async () => {
  const repository = await readPayloadRepository(payload);
  expect(repository).toMatchObject({
    ...{ repo: join(world.root, 'origin'), branch: 'main', hasOrigin: true, top: world.code },
    ...{ isPublished: true, isCurrent: true, commit: await world.git(payload, 'rev-parse', 'HEAD') },
  });
  expect(repository.hash).toMatch(/^[0-9a-f]{7,}$/u);
  expect(repository.commit.startsWith(repository.hash)).toBe(true);
});

test('says what to do where a checkout has no commit, and where there is no checkout', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'slurp-empty-'));
  try {
    expect(await findPayloadRefusal(empty)).toMatch(
      /slurp-empty-\w+' is not in a git checkout with a commit: .*; clone its repository/u,
    );
    await world.git(empty, 'init', '--quiet');
    expect(await findPayloadRefusal(empty)).toMatch(
      /^The git checkout of the payload '.*slurp-empty-\w+' has no commit yet; commit what/u,
    );
    expect(await findPayloadRefusal(payload)).toBeUndefined();
  } finally {
    await rm(empty, { recursive: true });
  }
});

test('says what to do about a payload that is nowhere, or in no checkout', async () => {
  const { root } = world;
  await expect(readPayloadRepository(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'site-payload-missing' });
  await mkdir(join(root, 'plain'));
  await expect(readPayloadRepository(join(root, 'plain'))).rejects.toMatchObject({
    code: 'site-payload-no-checkout',
    message: expect.stringContaining('not in a git checkout'),
    advice: expect.stringContaining('git -C'),
  });
});

test('C-P2: counts a detached HEAD as published if some branch of origin has it', async () => {
  await world.git(payload, 'checkout', '--quiet', '--detach');
  const published = await readPayloadRepository(payload);
  expect(published.branch).toBeUndefined();
  expect(published.isPublished).toBe(true);
  await commit('two');
  expect((await readPayloadRepository(payload)).isPublished).toBe(false);
});

test('recognises a commit that is published but not the last one, and one that only a local branch has', async () => {
  await commit('two');
  await world.git(payload, 'branch', 'other');
  expect(await readPayloadRepository(payload)).toMatchObject({ isPublished: false, isCurrent: false });
  await world.git(payload, 'push', '--quiet', 'origin', 'HEAD:main');
  await world.git(payload, 'reset', '--quiet', '--hard', 'HEAD~1');
  expect(await readPayloadRepository(payload)).toMatchObject({ isPublished: true, isCurrent: false });
});

test('uses the path of a checkout without origin as its address', async () => {
  await world.git(payload, 'remote', 'remove', 'origin');
  expect(await readPayloadRepository(payload)).toMatchObject({
    ...{ hasOrigin: false, repo: world.code, isPublished: false },
  });
});

test('C-P18: has the address of origin without credentials', async () => {
  await world.git(payload, 'remote', 'set-url', 'origin', 'https://me:ghp_secret@host/group/code.git?token=secret');
  const repository = await readPayloadRepository(payload);
  expect(repository.repo).toBe('https://host/group/code.git');
  expect(JSON.stringify(repository)).not.toContain('secret');
});

test('C-P18: reads the checkout that it is asked about, whatever the environment says', async () => {
  const other = join(world.root, 'other');
  await world.git(world.root, 'init', '--quiet', 'other');
  await world.git(other, 'commit', '--quiet', '--allow-empty', '-m', 'other');
  const expected = await readPayloadRepository(payload);
  vi.stubEnv('GIT_DIR', join(other, '.git'));
  vi.stubEnv('GIT_WORK_TREE', other);
  vi.stubEnv('GIT_INDEX_FILE', join(other, '.git', 'index'));
  vi.stubEnv('GIT_OBJECT_DIRECTORY', join(other, '.git', 'objects'));
  expect(await readPayloadRepository(payload)).toEqual(expected);
});
