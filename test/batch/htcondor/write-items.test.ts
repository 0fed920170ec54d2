import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';
import fc from 'fast-check';

import { encodeExpression, protectDollars } from '#batch/htcondor/encode-field.ts';
import { writeItems } from '#batch/htcondor/write-items.ts';

import { eachOf } from '../contract.ts';

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

test('puts into rows what differs between jobs, arguments last, and all else aside', async () => {
  const { constants, columns, rows } = await write(3, (process) => ({
    arguments: `a, b ${process}`,
    log: '/log',
    '+X': process === 1 ? '' : `"${process}, ${process}"`,
  }));
  expect([...constants]).toEqual([['log', '/log']]);
  expect(columns).toEqual(['+X', 'arguments']);
  expect(rows).toMatchInlineSnapshot(`
    [
      "10,"0$(slurp_comma)$(slurp_blank)0",a, b 0",
      "11,undefined,a, b 1",
      "12,"2$(slurp_comma)$(slurp_blank)2",a, b 2",
    ]
  `);
});

test('finds out late what differs', async () => {
  const { constants, columns, rows } = await write(2500, (process) => ({
    log: process < 1500 ? 'a b' : 'c',
    arguments: process < 2000 ? 'x y' : '',
    ...(process < 2400 ? {} : { '+Late': '1' }),
    same: '1',
  }));
  expect([...constants.keys()]).toEqual(['same']);
  expect(columns).toEqual(['+Late', 'arguments', 'log']);
  expect(rows).toHaveLength(2500);
  expect([0, 1500, 2000, 2499].map((row) => rows[row])).toMatchInlineSnapshot(`
    [
      "10,undefined,x$(slurp_blank)y,a$(slurp_blank)b",
      "1510,undefined,x$(slurp_blank)y,c",
      "2010,undefined,"",c",
      "2509,1,"",c",
    ]
  `);
});

test('refuses a command that only some jobs have, programs that differ, and items out of order', async () => {
  await expect(write(2, (process) => (process === 0 ? { rank: '1' } : {}))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: The submit command 'rank' is there for some of the jobs only: let the rule write it for all]`,
  );
  await expect(write(2, (process) => ({ executable: `/x${process}` }))).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: The jobs have different programs ('executable'): HTCondor takes one a submission]`,
  );
  const swapped = makeJobs(2).toReversed();
  await expect(writeItems(join(directory, 'x'), eachOf(swapped), () => new Map())).rejects.toThrow('Item 0');
});

test.each([
  ['$(foo) $$(Memory) $$([1+1])', '$(DOLLAR)(foo) $$(Memory) $$([1+1])'],
  ['$(ClusterId).$(procid) $HOME $', '$(ClusterId).$(procid) $HOME $'],
  ['$INT(x) $$INT(x) $F_p(x)', '$(DOLLAR)INT(x) $$(DOLLAR)INT(x) $(DOLLAR)F_p(x)'],
])('protects %s', (text, expected) => {
  expect(protectDollars(text)).toBe(expected);
});

test('leaves no macro for condor to expand but its own', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '(', ')', 'I', '_', '1', ' ') }), (text) => {
      const rest = protectDollars(text).replaceAll('$(DOLLAR)', '#');
      expect(rest.replaceAll(/\$\$\(/gu, '')).not.toMatch(/\$[A-Za-z_]\w*\(|(?<!\$)\$\(/u);
    }),
  );
});

test.each([
  [String.raw`"a\\b"`, String.raw`"a\b"`],
  [String.raw`"a \"b\""`, String.raw`"a \"b\""`],
  [String.raw`"end\\"`, String.raw`"end\\"`],
  ['x == "a\\\\b"', 'x == "a\\\\b"'],
])('writes the ClassAd text %s as %s', (text, expected) => {
  expect(encodeExpression(text)).toBe(expected);
});
