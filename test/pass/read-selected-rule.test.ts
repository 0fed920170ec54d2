import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { defaultRunOptions } from '#model/run-options.ts';
import { prepareSelectedRule, readSelectedRule, withCursor } from '#pass/read-selected-rule.ts';

import type { Production } from '#model/production.ts';

let root: string;
let file: string;
const options = { ...defaultRunOptions, submitDirectory: '/tmp', now: '2026-11-24T08:00:00.000Z' };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-select-'));
  file = join(root, 'rules.yaml');
  await writeFile(
    file,
    `DST_GOOD:
  params: {name: DST_GOOD_run2pp, build: ana.437, build_name: ana437, dbtag: 2024p007, version: 1, script: run.sh,
           payload: ./p/, mem: 2048MB, rsync: "./p/*", outbase: "$(name)", logbase: "$(name)"}
  input:
    db: fc
    query: |-
      select '' as source, runnumber, segment, filename as files from datasets where true {run_condition}
  job: {arguments: "$(run) {PWD} {rsync}", log: "{condor}/{logbase}.condor"}
DST_BAD:
  params: {name: DST_BAD_run2pp, build: ana.437, build_name: ana437, dbtag: 2024p007, version: 1, script: run.sh,
           payload: ./p/, mem: 2048MB, rsync: "./p/*", outbase: "$(name)", logbase: "$(name)"}
  input: {db: nowhere, query: "select {nonsense}"}
  job: {arguments: "$(run) {PWD} {rsync}", log: "{condor}/{logbase}.condor"}
`,
  );
});
afterAll(() => rm(root, { recursive: true }));

test('reads a good rule from a file with a bad one', async () => {
  const { prepared } = prepareSelectedRule(await readSelectedRule(file, 'DST_GOOD'), options);
  expect(prepared.query.finished).toContain('and runnumber>=0');
});

test('says what is wrong with a bad one', async () => {
  const bad = readSelectedRule(file, 'DST_BAD').then((selected) => prepareSelectedRule(selected, options));
  await expect(bad).rejects.toMatchObject({ code: 'rule-refused', message: expect.stringContaining("'nowhere'") });
});

test('names the rules that there are, and the one that was probably meant', async () => {
  await expect(readSelectedRule(file, 'DST_GOD')).rejects.toMatchObject({
    code: 'rule-unknown',
    message: `Rule 'DST_GOD' does not exist in '${file}': it has 'DST_GOOD', 'DST_BAD'`,
    advice: "Did you mean 'DST_GOOD'?",
  });
});

test('asks for the cursor only where the selection needs it (C-K6)', async () => {
  const asked: Production[] = [];
  const find = (production: Production): Promise<number> => {
    asked.push(production);
    return Promise.resolve(53_000);
  };
  const selected = await readSelectedRule(file, 'DST_GOOD');
  await withCursor(prepareSelectedRule(selected, { ...options, runs: { kind: 'one', run: 5 } }), find);
  expect(asked).toEqual([]);
  const { prepared } = await withCursor(prepareSelectedRule(selected, options), find);
  expect(asked).toEqual([{ dsttype: 'DST_GOOD_run2pp', build: 'ana437', tag: '2024p007', version: 1 }]);
  expect(prepared.query.finished).toContain('and runnumber>=53000');
});
