import { expect, it } from 'vitest';

import { checkVerbs, renderVerbs } from '../../scripts/house/check-verbs.ts';
import { verbs } from '../../scripts/house/verbs.ts';

/** One function for each verb, so that none counts as unused. */
const everyVerb = [...verbs.keys()].map((verb) => `function ${verb}Thing() {}`).join('\n');

it.each([
  ['export async function readRule() {}', []],
  ['function read() {}', []],
  ['const parseNumber = (text: string): number => Number(text);', []],
  ['function isOpen() {}\nfunction toText() {}\nfunction withPool() {}\nfunction withoutScheme() {}', []],
  ['function sizeOf() {}\nfunction columnsOfStar() {}\nfunction rowsFrom() {}\nfunction idsByName() {}', []],
  ['function assertMade() {}\nfunction stateSql() {}\nfunction present() {}', []],
  ['const words = new Set();\nfunction readAll() { const helper = () => 1; return helper; }', []],
  [
    'export function fetchRule() {}',
    ["src/x.ts:1: 'fetchRule' does not begin with a verb of docs/verbs.md, nor has a form there (N3)"],
  ],
  [
    '\nfunction reader() {}',
    ["src/x.ts:2: 'reader' does not begin with a verb of docs/verbs.md, nor has a form there (N3)"],
  ],
  [
    'const now = () => 1;',
    ["src/x.ts:1: 'now' does not begin with a verb of docs/verbs.md, nor has a form there (N3)"],
  ],
])('judges the names of functions in %j', (text, complaints) => {
  const tree = new Map([
    ['src/every.ts', everyVerb],
    ['src/x.ts', text],
    ['test/x.ts', 'function whatever() {}'],
  ]);
  expect(checkVerbs(tree)).toEqual(complaints);
});

it('reports a verb of the list that no function uses', () => {
  expect(checkVerbs(new Map([['src/every.ts', everyVerb.replace('readThing', 'isThing')]]))).toEqual([
    "scripts/house/verbs.ts: No function begins with 'read': remove it (N3)",
  ]);
});

it('lists each verb once, in order, and at most seventy of them', () => {
  const names = [...verbs.keys()];
  expect(names).toEqual(names.toSorted());
  expect(names.length).toBeLessThanOrEqual(70);
  for (const name of names) expect(renderVerbs()).toContain(`| \`${name}\` | ${verbs.get(name) ?? ''} |`);
});
