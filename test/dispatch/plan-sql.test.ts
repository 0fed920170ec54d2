import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { planRule } from '#dispatch/plan-rule.ts';
import { defaultRunOptions } from '#model/run-options.ts';
import { prepareSelectedRule, readSelectedRule } from '#pass/read-selected-rule.ts';
import { checkRuleFile } from '#rules/check/check-rule.ts';

import { makeProposals } from '../db/decide/world.ts';
import { openPlanWorld } from './plan-world.ts';

import type { Funnel } from '#model/report/funnel.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { PlanWorld } from './plan-world.ts';

let world: PlanWorld;
let file: string;
let options: RunOptions;

beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
  file = join(world.root, 'rules.yaml');
  options = { ...defaultRunOptions, submitDirectory: world.root, now: '2026-11-24T08:00:00.000Z' };
});

afterAll(() => world.close());

async function putRule(query: string, job: string, name = 'DST_SQL_run2pp'): Promise<void> {
  await writeFile(
    file,
    `SQL:
  params: {name: "${name}", build: ana.437, dbtag: 2024p007, version: 1, script: run.sh, payload: ./p/}
  input:
    db: daqdb
    query: |-
      ${query}
  job: {arguments: "${job}"}
`,
  );
}

/** The messages of all errors of `--check`. */
async function errorsOfCheck(): Promise<readonly string[]> {
  const complaints = await checkRuleFile(file, options);
  return complaints.filter(({ severity }) => severity === 'error').map(({ message }) => message);
}

/** The messages of its warnings about macros. */
async function warningsOfCheck(): Promise<readonly string[]> {
  const complaints = await checkRuleFile(file, options);
  return complaints.map(({ message }) => message).filter((message) => message.includes(' is not defined'));
}

async function plan(): Promise<unknown> {
  return (await planFunnel()).counts;
}

async function planFunnel(): Promise<Funnel> {
  const { prepared } = prepareSelectedRule(await readSelectedRule(file, 'SQL'), options);
  const { databases } = world.open;
  const planned = await planRule({ prepared, databases, statementTimeoutMs: 30_000 });
  await planned.close();
  return planned.funnel;
}

const columns = 'source, runnumber, segment, files';
const tail = 'from proposal where true {run_condition} {limit_condition}';

it.each([
  [`select ${columns} ${tail}`, '$(run) $(seg)'],
  [`select ${columns}, 1 as firstevent ${tail}`, '$(run) $(firstevent)'],
  [`select * ${tail}`, '$(run) $(n)'],
  [`select ${columns} ${tail}`, '$(run) $(firstevent:) $(lastevent:0)'],
  [`select ${columns}, 1 as "FirstEvent" ${tail}`, '$(firstevent)'],
])('a rule that --check has no error for is planned: %s with %s', async (query, job) => {
  await putRule(query, job);
  expect(await errorsOfCheck()).toEqual([]);
  expect(await plan()).toMatchObject({ ready: 0 });
});

it.each([
  ['a mistake of SQL', `selct ${columns} ${tail}`, '$(run)'],
  ['an unfinished query', `select ${columns} ${tail} and`, '$(run)'],
  ['two queries', `select 1; select ${columns} ${tail}`, '$(run)'],
  ['a statement that writes', `insert into proposal select * ${tail}`, '$(run)'],
  ['a statement that writes within', `with x as (delete from proposal returning *) select ${columns} from x`, '$(run)'],
  ['a select into a table', `select ${columns} into other ${tail}`, '$(run)'],
  ['a statement that is not a query', `explain select ${columns} ${tail}`, '$(run)'],
  ['values without names', "values ('x', 1, 2, 'y')", '$(run)'],
  ['a column that is missing', 'select source, runnumber, segment from proposal', '$(run)'],
  ['a macro that looks mistyped', `select ${columns} ${tail}`, '$(run) $(rnu) x'],
])('%s is an error of --check, and stops a plan', async (_mistake, query, job) => {
  await putRule(query, job);
  expect(await errorsOfCheck()).not.toEqual([]);
  await expect(plan()).rejects.toMatchObject({ kind: 'rule' });
});

it('a macro without a column is empty, and --check and a plan say which argument that concerns (C-R13)', async () => {
  await putRule(`select ${columns} ${tail}`, '$(run) $(firstevent) x$(lastrow)');
  expect(await errorsOfCheck()).toEqual([]);
  const said = [
    "'$(firstevent)' is not defined: argument 2 is left out, and the ones after it shift",
    "'$(lastrow)' is not defined: it is empty in argument 3",
  ];
  expect(await warningsOfCheck()).toEqual(said);
  const { warnings } = await planFunnel();
  expect(warnings.filter(({ kind }) => kind === 'rule-columns').map(({ message }) => message)).toEqual(said);
});

it('a stream without its column is an error of --check, and stops a plan', async () => {
  await putRule(`select ${columns} ${tail}`, '$(run)', 'DST_$(streamname)_run2pp');
  expect(await errorsOfCheck()).toHaveLength(1);
  await expect(plan()).rejects.toMatchObject({ kind: 'rule' });
});

it('a macro that only the columns of a table could fill is judged by the database (C-R13)', async () => {
  await putRule(`select * ${tail}`, '$(run) $(segg) x');
  expect(await errorsOfCheck()).toEqual([]);
  await expect(plan()).rejects.toMatchObject({
    code: 'rule-refused',
    message: expect.stringContaining("'$(segg)' is not defined: expected a column 'segg' in the query, or $(seg)"),
  });
});
