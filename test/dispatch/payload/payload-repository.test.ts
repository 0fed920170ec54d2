import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { checkPayload } from '#dispatch/payload/check-payload.ts';
import { judgePayload } from '#dispatch/payload/judge-payload.ts';
import { readPayloadRepository } from '#dispatch/payload/payload-repository.ts';
import { runCommand } from '#util/run-command.ts';

let root: string;
let payload: string;

async function git(directory: string, ...args: readonly string[]): Promise<void> {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main'];
  const result = await runCommand('git', [...identity, '-C', directory, ...args]);
  expect(result.stderr + result.stdout + String(result.exitCode)).toMatch(/0$/u);
}

async function commit(text: string): Promise<void> {
  await writeFile(join(payload, 'run.sh'), text);
  await git(payload, 'add', '.');
  await git(payload, 'commit', '--quiet', '-m', text);
}

/** A payload in a subfolder of a clone of a bare `origin`, one commit, pushed. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-payload-'));
  await mkdir(join(root, 'origin'));
  await git(join(root, 'origin'), 'init', '--quiet', '--bare');
  await git(root, 'clone', '--quiet', join(root, 'origin'), 'clone');
  payload = join(root, 'clone', 'calo');
  await mkdir(payload);
  await commit('one');
  await git(payload, 'push', '--quiet', 'origin', 'HEAD:main');
});
afterEach(() => rm(root, { recursive: true }));

const production = { mode: 'production', build: 'ana437', isForced: false } as const;

test('knows a payload that is clean, published and current', async () => {
  const repository = await readPayloadRepository(payload);
  expect(repository).toMatchObject({
    ...{ repo: join(root, 'origin'), branch: 'main', hasOrigin: true },
    ...{ isDirty: false, isPublished: true, isCurrent: true },
  });
  expect(repository.hash).toMatch(/^[0-9a-f]{7,}$/u);
  expect(checkPayload(repository, production)).toEqual([]);
});

test('says what to do with a checkout that has no commit, and with none', async () => {
  const empty = join(root, 'empty');
  await mkdir(empty);
  expect(await judgePayload(empty)).toMatch(/empty' is not in a git checkout with a commit: .*; clone its repository/u);
  await git(empty, 'init', '--quiet');
  expect(await judgePayload(empty)).toMatch(
    /^The git checkout of the payload '.*empty' has no commit yet; commit what/u,
  );
  expect(await judgePayload(payload)).toBeUndefined();
});

test('C-P3: sees changes in tracked files, not new files', async () => {
  await writeFile(join(payload, 'new.txt'), '');
  expect((await readPayloadRepository(payload)).isDirty).toBe(false);
  await writeFile(join(payload, 'run.sh'), 'changed');
  const repository = await readPayloadRepository(payload);
  expect(repository.isDirty).toBe(true);
  expect(checkPayload(repository, production)).toEqual([
    `Some files of payload '${payload}' differ from commit '${repository.hash}'`,
  ]);
});

test("C-P2: refuses a fixed build from a commit that only a local branch has, but not 'new', '--doit' or a testbed", async () => {
  await commit('two');
  await git(payload, 'branch', 'other');
  const repository = await readPayloadRepository(payload);
  expect(repository).toMatchObject({ isPublished: false, isCurrent: false });
  const doubt = `Commit '${repository.hash}' of payload '${payload}' is not published: 'origin/main' does not hold it`;
  expect(() => checkPayload(repository, production)).toThrow(
    expect.objectContaining({ code: 'site-payload-unpublished', message: doubt }),
  );
  expect(checkPayload(repository, { ...production, build: 'new' })).toEqual([doubt]);
  expect(checkPayload(repository, { ...production, isForced: true })).toEqual([doubt]);
  expect(checkPayload(repository, { ...production, mode: 'testbed' })).toEqual([]);
});

test('C-P2: takes a detached HEAD that some branch of origin holds', async () => {
  await git(payload, 'checkout', '--quiet', '--detach');
  const published = await readPayloadRepository(payload);
  expect(published.branch).toBeUndefined();
  expect(published.isPublished).toBe(true);
  await commit('two');
  const unpublished = await readPayloadRepository(payload);
  expect(() => checkPayload(unpublished, production)).toThrow("no branch of 'origin' holds it");
});

test('doubts a commit that is published but not the last one', async () => {
  await commit('two');
  await git(payload, 'push', '--quiet', 'origin', 'HEAD:main');
  await git(payload, 'reset', '--quiet', '--hard', 'HEAD~1');
  const repository = await readPayloadRepository(payload);
  expect(repository).toMatchObject({ isPublished: true, isCurrent: false });
  expect(checkPayload(repository, production)).toEqual([
    `Commit '${repository.hash}' of payload '${payload}' is not the last one of 'origin/main'`,
  ]);
});

test('says what to do about a payload that is nowhere, or in no checkout', async () => {
  await expect(readPayloadRepository(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'site-payload-missing' });
  await mkdir(join(root, 'plain'));
  await expect(readPayloadRepository(join(root, 'plain'))).rejects.toMatchObject({
    code: 'site-payload-no-checkout',
    message: expect.stringContaining('not in a git checkout'),
    advice: expect.stringContaining('git -C'),
  });
});

test('takes the path of a checkout without origin as its address', async () => {
  await git(payload, 'remote', 'remove', 'origin');
  const repository = await readPayloadRepository(payload);
  expect(repository).toMatchObject({ hasOrigin: false, repo: join(root, 'clone'), isPublished: false });
  expect(() => checkPayload(repository, production)).toThrow("the checkout has no remote 'origin'");
});
