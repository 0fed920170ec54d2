import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { checkPayload } from '#dispatch/payload/check-payload.ts';

import { openPayloadWorld, prepareRuleOf } from './payload-world.ts';

import type { PayloadSurvey } from '#dispatch/payload/survey/survey-payload.ts';

import type { PayloadWorld } from './payload-world.ts';

let world: PayloadWorld;
beforeEach(async () => {
  world = await openPayloadWorld();
});
afterEach(() => world.close());

const fixed = { mode: 'production', build: 'ana437', isForced: false } as const;

const survey = (rsync = 'code/calo/*'): Promise<PayloadSurvey> => world.survey(prepareRuleOf(world.submit, { rsync }));

/** The refusal of a fixed build, without the world's own paths. */
function refusalOf(checked: PayloadSurvey): unknown {
  try {
    checkPayload(checked, fixed);
    return undefined;
  } catch (error) {
    return JSON.parse(
      JSON.stringify(
        error,
        Object.getOwnPropertyNames(error).filter((key) => key !== 'stack'),
      ).replaceAll(world.submit, '/prod'),
    );
  }
}

test('accepts a payload that is equal to its published commit, with files that are in no checkout', async () => {
  await world.put({ 'lists/x.list': 'x' });
  const checked = await survey('code/calo/*,lists/*');
  expect(checkPayload(checked, fixed)).toEqual({ doubts: [], overridden: [] });
  expect(checked.origin.outside).toEqual(['lists/x.list']);
});

test("C-P16: refuses a fixed build for what the commit does not have, but not 'new', '--doit' or a testbed", async () => {
  await world.put({ 'code/.gitignore': '*~\n' });
  await world.publish();
  await world.put({ 'code/calo/Fun.C': 'B', 'code/calo/new.C': 'x', 'code/calo/Fun.C~': 'x' });
  await rm(join(world.code, 'calo/run.sh'));
  const checked = await survey();
  const { hash } = checked.repository;
  expect(refusalOf(checked)).toMatchObject({
    code: 'site-payload-changed',
    message: `4 staged files of payload '/prod/code/calo' differ from commit '${hash}'`,
    complaints: [
      ...["'calo/Fun.C' (changed)", "'calo/Fun.C~' (not in the commit)", "'calo/new.C' (not in the commit)"],
      "'calo/run.sh' (missing)",
    ],
    advice:
      "Commit and push what the jobs run, so that others can find the code that made these files, or override with '--doit'",
  });
  const doubts = [
    expect.stringMatching(/^4 staged files of .*: 'calo\/Fun\.C' \(changed\), .*'calo\/run\.sh' \(missing\)$/u),
  ];
  expect(checkPayload(checked, { ...fixed, build: 'new' })).toEqual({ doubts, overridden: [] });
  expect(checkPayload(checked, { ...fixed, isForced: true })).toEqual({ doubts, overridden: doubts });
  expect(checkPayload(checked, { ...fixed, mode: 'testbed' })).toEqual({ doubts: [], overridden: [] });
});

test("C-P2: refuses a fixed build from a commit that only a local branch has, but not 'new', '--doit' or a testbed", async () => {
  await world.git(world.code, 'commit', '--quiet', '--allow-empty', '-m', 'two');
  await world.git(world.code, 'branch', 'other');
  const checked = await survey();
  const { hash } = checked.repository;
  const doubt = `Commit '${hash}' of payload '${world.code}/calo' is not published: 'origin/main' does not contain it`;
  expect(refusalOf(checked)).toMatchObject({
    ...{ code: 'site-payload-unpublished', message: doubt.replace(world.submit, '/prod'), complaints: [] },
    advice: "Push it, so that others can find the code that made these files, or override with '--doit'",
  });
  expect(checkPayload(checked, { ...fixed, build: 'new' })).toEqual({ doubts: [doubt], overridden: [] });
  expect(checkPayload(checked, { ...fixed, isForced: true })).toEqual({ doubts: [doubt], overridden: [doubt] });
  expect(checkPayload(checked, { ...fixed, mode: 'testbed' })).toEqual({ doubts: [], overridden: [] });
});

test('C-P2: names all reasons at once, of every checkout that something comes from', async () => {
  await world.git(world.code, 'remote', 'remove', 'origin');
  await world.put({ 'code/calo/Fun.C': 'B' });
  await world.git(world.submit, 'init', '--quiet', 'macros');
  await world.put({ 'macros/a.C': 'a' });
  await world.git(join(world.submit, 'macros'), 'add', '.');
  await world.git(join(world.submit, 'macros'), 'commit', '--quiet', '-m', 'one');
  await world.put({ 'macros/a.C': 'b' });
  const checked = await survey('code/calo/*,macros/*');
  const commit = checked.origin.checkouts[1]?.commit.slice(0, 10);
  expect(refusalOf(checked)).toMatchObject({
    message: expect.stringContaining("is not published: the checkout has no remote 'origin'"),
    complaints: [
      expect.stringMatching(/^1 staged file of payload '\/prod\/code\/calo' differs from commit '\w+'$/u),
      "'calo/Fun.C' (changed)",
      `Commit '${commit}' of the checkout '/prod/macros' is not published`,
      `1 staged file of the checkout '/prod/macros' differs from commit '${commit}'`,
      "'a.C' (changed)",
    ],
  });
});

test('doubts a commit that is published but not the last one', async () => {
  await world.git(world.code, 'commit', '--quiet', '--allow-empty', '-m', 'two');
  await world.git(world.code, 'push', '--quiet', 'origin', 'HEAD:main');
  await world.git(world.code, 'reset', '--quiet', '--hard', 'HEAD~1');
  const checked = await survey();
  expect(checkPayload(checked, fixed).doubts).toEqual([
    `Commit '${checked.repository.hash}' of payload '${world.code}/calo' is not the last one of 'origin/main'`,
  ]);
});
