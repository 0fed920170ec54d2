import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { encodeExpression, escapeDollars } from '#batch/htcondor/submit/encode-field.ts';
import { writeItems } from '#batch/htcondor/submit/write-items.ts';

import { eachOf } from '../../contract.ts';

import type { BatchJob } from '#batch/backend.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slurp-items-'));
});
afterAll(() => rm(directory, { recursive: true }));

function makeJobs(count: number): readonly BatchJob[] {
  return Array.from({ length: count }, (_, process) => ({
    ...{ process, cupsid: 10 + process, dstfile: `D${process}`, executable: '/x', arguments: '', commands: {} },
  }));
}

async function write(count: number, commandsOf: (process: number) => Readonly<Record<string, string>>) {
  const path = join(directory, 'items');
  const written = await writeItems(
    path,
    eachOf(makeJobs(count)),
    ({ process }) => new Map(Object.entries(commandsOf(process))),
  );
  return { ...written, rows: (await readFile(path, 'utf8')).split('\n').slice(0, -1) };
}

test('puts into rows what differs between jobs, and all else aside', async () => {
  const { commands, variables, rows } = await write(3, (process) => ({
    arguments: `a, b ${process} c/x_${process}`,
    log: '/log',
    '+X': process === 1 ? '' : `"${process}, ${process}"`,
    '+Y': String(10 + process),
  }));
  expect([...commands]).toMatchInlineSnapshot(`
    [
      [
        "log",
        "/log",
      ],
      [
        "arguments",
        "a, b $(slurp_a) c/x_$(slurp_a)",
      ],
      [
        "+X",
        "$(slurp_b)",
      ],
      [
        "+Y",
        "$(slurp_cupsid)",
      ],
    ]
  `);
  expect([variables.join(','), ...rows]).toMatchInlineSnapshot(`
    [
      "slurp_cupsid,slurp_a,slurp_b",
      "10,0,"0$(slurp_comma)$(slurp_blank)0"",
      "11,1,undefined",
      "12,2,"2$(slurp_comma)$(slurp_blank)2"",
    ]
  `);
});

test('finds out late what differs', async () => {
  const { commands, variables, rows } = await write(2500, (process) => ({
    log: process < 1500 ? 'a b' : 'a c',
    arguments: process < 2000 ? 'x y' : '',
    ...(process < 2400 ? {} : { '+Late': '1' }),
    same: '1',
  }));
  expect([...commands]).toMatchInlineSnapshot(`
    [
      [
        "same",
        "1",
      ],
      [
        "log",
        "a $(slurp_a)",
      ],
      [
        "arguments",
        "$(slurp_b)",
      ],
      [
        "+Late",
        "$(slurp_c)",
      ],
    ]
  `);
  expect(rows).toHaveLength(2500);
  expect([variables.join(','), ...[0, 1500, 2000, 2499].map((row) => rows[row])]).toMatchInlineSnapshot(`
    [
      "slurp_cupsid,slurp_a,slurp_b,slurp_c",
      "10,b,x$(slurp_blank)y,undefined",
      "1510,c,x$(slurp_blank)y,undefined",
      "2010,c,"",undefined",
      "2509,c,"",1",
    ]
  `);
});

/** What condor makes of a description and a row, before it asks the machine for what `$$(…)` means. */
function expandRow(commands: ReadonlyMap<string, string>, variables: readonly string[], row: string | undefined) {
  const values = new Map(row?.split(',').map((value, index) => [variables[index] ?? '', value]));
  for (const [name, value] of [...fieldMacroValues, ...values]) values.set(name, value);
  const expand = (text: string): string =>
    text.replaceAll(/(?<!\$)\$\((slurp_\w+)\)/gu, (_, name: string) => expand(values.get(name) ?? ''));
  return new Map(
    [...commands].map(([key, text]) => [
      key,
      expand(text).replaceAll('$(DOLLAR)', '$').replaceAll('$$(DOLLARDOLLAR)', '$$$$'),
    ]),
  );
}
const fieldMacroValues = [
  ['slurp_blank', ' '],
  ['slurp_comma', ','],
] as const;

test('gives each job what it is to have, whatever differs and wherever', async () => {
  const word = fc.constantFrom('a', '7', '_', ' ', ',', '/', '-', 'run', '$(ProcId)', '$$([1])', '=', '"', '$');
  const text = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => `x${words.join('')}y`);
  const texts = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 0, max: 5 }), async (pairs, repeats) => {
      // Some repetitions, so that what comes behind the first thousand is a surprise.
      const all = [...Array.from({ length: repeats * 230 }, () => pairs[0] ?? ['x', 'y']), ...pairs];
      const { commands, variables, rows } = await write(all.length, (process) => ({
        arguments: escapeDollars(all[process]?.[0] ?? ''),
        log: escapeDollars(all[process]?.[1] ?? ''),
      }));
      all.forEach(([words, log], process) => {
        const made = expandRow(commands, variables, rows[process]);
        expect([made.get('arguments'), made.get('log')]).toEqual([words, log]);
      });
    }),
    { numRuns: 60 },
  );
});

test('refuses a command that only some jobs have, programs that differ, and items out of order', async () => {
  await expect(write(2, (process) => (process === 0 ? { rank: '1' } : {}))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: The submit command 'rank' is set for some of the jobs only: set it for all jobs in the rule]`,
  );
  await expect(write(2, (process) => ({ executable: `/x${process}` }))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: The jobs have different programs ('executable'): HTCondor accepts one per submission]`,
  );
  const swapped = makeJobs(2).toReversed();
  await expect(writeItems(join(directory, 'x'), eachOf(swapped), () => new Map())).rejects.toThrow('Item 0');
});

test.each([
  ['$(foo) $$(Memory) $$([1+1])', '$(DOLLAR)(foo) $$(Memory) $$([1+1])'],
  ['$(ClusterId).$(procid) $HOME $', '$(ClusterId).$(procid) $(DOLLAR)HOME $(DOLLAR)'],
  ['$INT(x) $$INT(x) $F_p(x)', '$(DOLLAR)INT(x) $$(DOLLARDOLLAR)INT(x) $(DOLLAR)F_p(x)'],
  ['a$ b$, $$ $$$(Memory)', 'a$(DOLLAR) b$(DOLLAR), $$(DOLLARDOLLAR) $$(DOLLARDOLLAR)$(DOLLAR)(Memory)'],
])('protects %s', (text, expected) => {
  expect(escapeDollars(text)).toBe(expected);
});

test('leaves no macro for condor to expand but its own (C-H7)', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '(', ')', 'I', '_', '1', ' ') }), (text) => {
      const rest = escapeDollars(text).replaceAll('$(DOLLAR)', '#');
      expect(rest.replaceAll('$$(', '#')).not.toContain('$');
      expect(escapeDollars(text)).not.toContain('$(DOLLAR)$(DOLLAR)');
    }),
  );
});

test.each([
  [String.raw`"a\\b"`, String.raw`"a\b"`],
  [String.raw`"a \"b\""`, String.raw`"a \"b\""`],
  [String.raw`"end\\"`, String.raw`"end\"`],
  [String.raw`"two\\\\, and \\\\\\"`, String.raw`"two\\, and \\\"`],
  [String.raw`"mid\\\"quote\\\""`, String.raw`"mid\\"quote\\""`],
  ['x == "a\\\\b"', 'x == "a\\\\b"'],
])('writes the ClassAd text %s as %s', (text, expected) => {
  expect(encodeExpression(text)).toBe(expected);
});
