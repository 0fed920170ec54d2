import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { runCommand } from '#util/run-command.ts';

import { checkCommits, findNewCommits } from '../../scripts/house/check-titles.ts';

it.each([
  ['fix(db): keep the cursor of a production', []],
  ['build: pin the compiler', []],
  ['fix(db): a cursor stays', ["Commit 1: 'a' is not an imperative: 'fix(db): a cursor stays' (G4)"]],
  ['test(bench): bring the figures of a group', []],
  [
    `fix(db): ${'x'.repeat(64)}`,
    [`Commit 1: Its title is longer than 72 characters: 'fix(db): ${'x'.repeat(64)}' (G4)`],
  ],
  ['keep the cursor', ["Commit 1: Its title does not have the form 'type(room): text': 'keep the cursor' (G4)"]],
  [
    'wip(attic): fixed it.',
    [
      "Commit 1: Its type is 'wip', expected one of feat, fix, perf, refactor, test, docs, build, chore: 'wip(attic): fixed it.' (G4)",
      "Commit 1: 'attic' is not a directory of src/ or of the root: 'wip(attic): fixed it.' (G4)",
      "Commit 1: 'fixed' is not an imperative: 'wip(attic): fixed it.' (G4)",
      "Commit 1: Its title ends with a full stop: 'wip(attic): fixed it.' (G4)",
    ],
  ],
])('judges the title %s', (title, complaints) => {
  expect(checkCommits([{ id: '1', title }], ['db', 'bench'])).toEqual(complaints);
});

/** A repository with two commits before the rule, the rule, and two after it. */
let repository: string;

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'slurp-commits-'));
  await git('init', '--quiet');
  await commit('whatever');
  await commit('something else');
  await mkdir(join(repository, 'scripts/house'), { recursive: true });
  await writeFile(join(repository, 'scripts/house/check-titles.ts'), '');
  await git('add', '.');
  await commit('build: check the titles');
  await commit('fix(db): keep the cursor');
  await commit('and so on');
});

afterAll(async () => {
  await rm(repository, { recursive: true });
});

async function git(...args: readonly string[]): Promise<void> {
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  const { exitCode, stderr } = await runCommand('git', ['-C', repository, ...author, ...args]);
  if (exitCode !== 0) throw new Error(stderr);
}

async function commit(title: string): Promise<void> {
  await git('commit', '--quiet', '--allow-empty', '-m', title);
}

it('lists the commits after the one that brought the rule', async () => {
  const found = await findNewCommits(repository);
  expect(found.kind === 'found' ? found.commits.map(({ title }) => title) : found).toEqual([
    'and so on',
    'fix(db): keep the cursor',
  ]);
});

it('lists what a shallow clone has, and says that it is one', async () => {
  const clone = `${repository}-clone`;
  await git('clone', '--quiet', '--depth', '2', `file://${repository}`, clone);
  const found = await findNewCommits(clone);
  await rm(clone, { recursive: true });
  expect(found).toEqual({
    kind: 'found',
    commits: [{ id: expect.any(String), title: 'and so on' }],
    since: expect.stringMatching(/^[0-9a-f]+, where this shallow clone may begin$/u),
  });
});

it('says why nothing can be listed: without a repository, inside of another, without the rule', async () => {
  expect(await findNewCommits(tmpdir())).toMatchObject({ kind: 'unknown' });
  expect(await findNewCommits(join(repository, 'scripts'))).toEqual({
    kind: 'unknown',
    reason: `'${join(repository, 'scripts')}' is not the top of a git repository`,
  });
});
