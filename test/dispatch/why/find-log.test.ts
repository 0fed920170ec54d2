import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { findLog } from '#dispatch/why/find-log.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { readRule, someOptions } from '#test/rules/rule-files.ts';

import type { ExplainedRow } from '#model/report/why.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'find-log-'));
  await mkdir(join(home, 'log'));
});
afterAll(() => rm(home, { recursive: true }));

const dstfile = 'DST_EVENTS_run9pp_ana501_2026p001_v002-00022026-00007';

async function find(job: Readonly<Record<string, string>> = {}) {
  const rule = await readRule('aggregate');
  const changed = { ...rule, filesystem: { ...rule.filesystem, logdir: 'log' }, job: { ...rule.job, ...job } };
  const preparation = prepareRule(changed, { ...someOptions, submitDirectory: home });
  if (preparation.kind !== 'prepared') throw new Error('refused');
  const row: ExplainedRow = {
    ...{ ordinal: 1, run: 22026, segment: 7, streamname: null, files: null, dstfile },
    fact: { fate: 'blocked', attempt: undefined },
  };
  return findLog(preparation.prepared, row, '');
}

test('is absent before the job has written one', async () => {
  expect(await find()).toBeUndefined();
});

test('is the error log with its last lines, without control characters', async () => {
  const path = join(home, 'log', `${dstfile}.err`);
  await writeFile(path, `${'x'.repeat(5000)}\none\n\ntwo\u001B[31m\nthree\n`);
  expect(await find()).toEqual({ path, lines: ['one', 'two [31m', 'three'] });
});

test('is the output where there are no errors, or where the rule says', async () => {
  await writeFile(join(home, 'log', `${dstfile}.err`), '');
  await writeFile(join(home, 'log', `${dstfile}.out`), 'done\n');
  expect(await find()).toMatchObject({ path: join(home, 'log', `${dstfile}.out`), lines: ['done'] });
  await writeFile(join(home, 'log', 'mine'), 'said\n');
  expect(await find({ error: 'mine' })).toMatchObject({ path: join(home, 'log', 'mine') });
});
