import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeHtcondorBackend } from '#batch/htcondor/make-htcondor-backend.ts';
import { findTerms } from '#dispatch/submission/find-terms.ts';
import { defaultRunOptions } from '#model/run-options.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { openDispatchWorld, openReady } from '../dispatch-world.ts';

import type { SubmissionTerms } from '#db/status/submission/reserve-jobs.ts';

import type { DispatchWorld } from '../dispatch-world.ts';

let world: DispatchWorld;
beforeAll(async () => {
  world = await openDispatchWorld();
});
afterAll(() => world.close());

/** The terms of a rule with these lines, on a site with these submit commands. */
async function termsOf(
  lines: { readonly job?: string; readonly rule?: string },
  siteCommands: Readonly<Record<string, string>> = {},
): Promise<SubmissionTerms> {
  const { rules } = parseRuleFile(
    `
TEST:
  params: {name: DST_TEST_run2pp, build: ana.437, build_name: ana437, dbtag: 2024p007, version: 1, script: run.sh,
           payload: ./payload/, rsync: "./payload/*", retries: 0}
  input: {db: fc, query: "select 'x' as source, 1 as runnumber, 0 as segment, 'f' as files, 2 as more"}
${lines.rule ?? ''}
  job:
    arguments: "$(run) {PWD} {rsync}"
${lines.job ?? ''}
`,
    `${world.root}/test.yaml`,
  );
  const [rule] = rules;
  if (rule === undefined) throw new Error('no rule');
  const preparation = prepareRule(rule, {
    ...{ ...defaultRunOptions, submitDirectory: world.root, now: '2026-11-24T08:00:00.000Z' },
  });
  if (preparation.kind === 'refused') throw new Error(JSON.stringify(preparation.complaints));
  const backend = makeHtcondorBackend({ ...world.site.batch.htcondor, commands: siteCommands });
  const session = await openReady(world.status, [1, 2]);
  try {
    return await findTerms(session, preparation.prepared, backend);
  } finally {
    await session.close();
  }
}

const once = { canRestart: false, isProductRequired: false };

test('a rule without any of it starts its jobs once', async () => {
  expect(await termsOf({})).toEqual(once);
});

test('retries come from the rule or from the site', async () => {
  expect(await termsOf({ job: '    max_retries: "2"' })).toEqual({ ...once, canRestart: true });
  expect(await termsOf({}, { max_retries: '2' })).toEqual({ ...once, canRestart: true });
});

test('a number of retries that may differ from row to row counts as some', async () => {
  expect(await termsOf({ job: '    max_retries: "$(more)"' })).toEqual({ ...once, canRestart: true });
});

test('the exit code of a success, and the required product, are part of it', async () => {
  const rule = '  product: required';
  const job = '    success_exit_code: "3"\n    max_retries: "0"';
  expect(await termsOf({ rule, job })).toEqual({ canRestart: false, successExitCode: 3, isProductRequired: true });
});
