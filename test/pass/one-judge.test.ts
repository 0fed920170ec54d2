import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { RuleError } from '#model/errors.ts';
import { prepareSelectedRule, readSelectedRule } from '#pass/read-selected-rule.ts';
import { checkRuleFile } from '#rules/check/check-rule.ts';
import { readRuleFile } from '#rules/read-rule-file.ts';

import { ruleFile, someOptions } from '../rules/rule-files.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-judge-'));
});
afterAll(() => rm(root, { recursive: true }));

/** What the database of a site judges instead, in a dispatch; see test/dispatch/plan-rule.test.ts. */
const ofSql =
  /^SQL: |query returns no column|^'\$[^']*' is not defined|cannot match column|not a SELECT|statements in a query/;

/** For each rule of a file: whether `--check` has an error for it, and whether whatever uses it is refused. */
async function compare(file: string): Promise<readonly (readonly [string, boolean, boolean])[]> {
  const errors = (await checkRuleFile(file, someOptions)).filter(
    ({ severity, message }) => severity === 'error' && !ofSql.test(message),
  );
  const { rules } = await readRuleFile(file);
  const results: (readonly [string, boolean, boolean])[] = [];
  for (const { name } of rules) {
    const isError = errors.some(({ rule }) => rule === undefined || rule === name);
    const isRefused = await readSelectedRule(file, name)
      .then((selected) => prepareSelectedRule(selected, someOptions))
      .then(
        () => false,
        (error: unknown) => error instanceof RuleError,
      );
    results.push([name, isError, isRefused]);
  }
  return results;
}

it('refuses every rule of the test rule files that --check reports as wrong, and no other (C-R21)', async () => {
  const names = (await readdir(ruleFile('x').replace(/[^/]*$/, ''))).map((name) => name.replace(/\.yaml$/, ''));
  let compared = 0;
  for (const name of names) {
    for (const [rule, isError, isRefused] of await compare(ruleFile(name))) {
      compared += 1;
      expect([name, rule, isRefused]).toEqual([name, rule, isError]);
    }
  }
  expect(compared).toBeGreaterThan(15);
});

it.each([
  '  <<: *undefined\n',
  '  extra: !include other.yaml\n',
  'OTHER: *undefined\n',
  'OTHER: !include other.yaml\n',
  'OTHER: {a: &x 1, b: &x 2}\n',
  'OTHER: {yes: 1}\n',
  '# \u0007\n',
  '  filesytem: {}\n',
  '  filesystem: {log_dir: /x}\n',
  '  filesystem:\n',
])('stops a rule in a file with %j, as --check reports (C-R21)', async (text) => {
  const file = join(root, 'rules.yaml');
  await writeFile(file, `${await readFile(ruleFile('join'), 'utf8')}${text}`);
  const [, isError, isRefused] = (await compare(file)).at(-1) ?? [];
  expect([isError, isRefused]).toEqual([true, true]);
});

it('agrees with --check wherever a line of a rule file is changed', async () => {
  const lines = (await readFile(ruleFile('aggregate'), 'utf8')).split('\n');
  const junk = fc.constantFrom(
    '*x',
    '!t x',
    '&a',
    '{',
    '}',
    '$(',
    '{nope}',
    ': ',
    '\t',
    '- ',
    '~',
    'yes',
    '1.10',
    '"',
    '\u0000',
    "'",
    '#',
  );
  const file = join(root, 'changed.yaml');
  await fc.assert(
    fc.asyncProperty(fc.nat(lines.length - 1), fc.nat(60), junk, async (index, column, text) => {
      const line = lines[index] ?? '';
      const changed = line.slice(0, column) + text + line.slice(column);
      await writeFile(file, [...lines.slice(0, index), changed, ...lines.slice(index + 1)].join('\n'));
      for (const [, isError, isRefused] of await compare(file)) expect(isRefused).toBe(isError);
    }),
    { numRuns: 150 },
  );
});
