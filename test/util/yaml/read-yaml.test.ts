import { describe, expect, it } from 'vitest';

import { readYaml } from '#util/yaml/read-yaml.ts';

import { problemsOf } from './problems-of.ts';

import type { YamlValue } from '#util/yaml/yaml-tree.ts';

/** The texts of a tree, as PyYAML's values are printed. */
function plain(value: YamlValue | undefined): unknown {
  switch (value?.shape) {
    case undefined:
      return undefined;
    case 'scalar':
      return value.text;
    case 'list':
      return value.items.map(plain);
    case 'map':
      return Object.fromEntries([...value.entries].map(([key, entry]) => [key, plain(entry.value)]));
  }
}

describe('an alias', () => {
  it.each([
    ['of a value', 'a: *g\n', 4],
    ['merged', 'a:\n  <<: *g\n', 7],
    ['in a list of merged ones', 'b: &other {x: 1}\na:\n  <<: [*other, *g]\n', 16],
    ['in a list', 'a: [x, *g]\n', 8],
    ['deep down', 'a: {b: [{c: [*g]}]}\n', 14],
    ['as a key', '*g : 1\n', 1],
    ['before its anchor', 'a: *g\nb: &g 1\n', 4],
  ])('of nothing is an error, %s', (_where, source, column) => {
    const line = source.split('\n').findIndex((text) => text.includes('*g')) + 1;
    const place = `${line}:${column}`;
    expect(problemsOf(source)).toEqual([`${place}: error: Undefined alias '*g': expected an anchor '&g' above it`]);
  });

  it('that is mistyped is answered with the anchor that was meant', () => {
    expect(problemsOf('a: &common {x: 1}\nb: *comon\n')).toEqual([
      "2:4: error: Undefined alias '*comon': expected '*common'",
    ]);
  });

  it('leaves its key out, so that nothing is read in its place', () => {
    expect(plain(readYaml('a: *g\nb: [*g, 1]\n<<: *g\n').tree)).toEqual({ b: ['1'] });
  });

  it('means one anchor: a second one of its name is an error, as in PyYAML', () => {
    expect(problemsOf('a: &g 1\nb: &g 2\nc: *g\n')).toEqual([
      "2:7: error: Anchor '&g' is already defined in line 1: expected another name",
    ]);
  });
});

describe('merged keys', () => {
  it.each([
    ['own keys go before', 'a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}\n', { x: '2', y: '1' }],
    [
      'earlier mappings of a list go before',
      'a: &a {x: 1}\nc: &c {x: 3, z: 3}\nb: {<<: [*a, *c]}\n',
      { x: '1', z: '3' },
    ],
    ['of two merges the later one goes before', 'a: &a {x: 1}\nc: &c {x: 3}\nb:\n  <<: *a\n  <<: *c\n', { x: '3' }],
    ['a quoted << is a key', 'b: {"<<": 1}\n', { '<<': '1' }],
  ])('are those of PyYAML: %s', (_rule, source, expected) => {
    const { tree, problems } = readYaml(source);
    expect([problems, tree?.shape === 'map' && plain(tree.entries.get('b')?.value)]).toEqual([[], expected]);
  });

  it.each(['<<: 1', '<<: [x]', '<<: &a [[]]'])('are of mappings alone: %s', (line) => {
    expect(problemsOf(`${line}\n`).map((text) => text.replace(/^\S+ /, ''))).toEqual([
      "error: '<<' merges a value that is not a mapping: expected an alias of a mapping",
    ]);
  });
});

describe('what is read as something else is an error', () => {
  it.each([
    ['a: !include x.yaml', "1:13: error: Unknown tag '!include': expected a value without a tag"],
    ['a: !x {b: 1}', "1:7: error: Unknown tag '!x': expected a value without a tag"],
    ['a: !!set {b}', "1:10: error: Unknown tag '!!set': expected a value without a tag"],
    ['a: !!int x', "1:10: error: 'x' does not match its tag '!!int': expected a value without a tag"],
    ['yes: 1', "1:1: error: Key 'yes' is read as the boolean True: expected a name, or a name in quotes"],
    ['010: 1', "1:1: error: Key '010' is read as the integer 8: expected a name, or a name in quotes"],
    ['~: 1', "1:1: error: Key '~' is read as no value: expected a name, or a name in quotes"],
    ['? [a]\n: 1', '1:3: error: A key is a list or a mapping: expected a name'],
    [
      'lo\u200bgdir: x',
      "1:1: error: Key 'lo\u200bgdir' contains the invisible character U+200B: expected a name without it",
    ],
    [
      '\u00a0\u00a0name: x',
      "1:1: error: Key '\u00a0\u00a0name' contains the invisible character U+00A0: expected a name without it",
    ],
    [
      'a: "x\\0y"',
      `1:4: error: NUL character from an escape sequence in '"…"': expected text; a file in UTF-16 needs its byte order mark`,
    ],
    ['a: "\\e[0m"', `1:4: error: Control character U+001B from an escape sequence in '"…"': expected text without it`],
    ['a: 1\n---\nb: 2', '2:1: error: A second document starts here: expected one document in a file'],
    ['a: 1\n...\nb: 2', '3:1: error: A second document starts here: expected one document in a file'],
    ['a: b\u0007c', '1:5: error: Control character U+0007: expected text without it'],
    ['a: "b\u0007c"', '1:6: error: Control character U+0007: expected text without it'],
    ['# \u0007', '1:3: error: Control character U+0007: expected text without it'],
  ])('%j', (source, problem) => {
    expect(problemsOf(`${source}\n`)).toEqual([problem]);
  });

  it('but numbers and words that quotes or YAML itself keep are not', () => {
    expect(problemsOf('7: x\n"yes": 1\n1.5: 2\n! a: ! 010\n!!str 010: !!str 010\nb: !!seq [1]\n')).toEqual([]);
    expect(plain(readYaml('a: ! 010\nb: !!str 010\n').tree)).toEqual({ a: '8', b: '010' });
  });

  it('an invisible character in a value is odd only, and is found at its place', () => {
    expect(problemsOf('a: |\n  one\n  t\u00a0wo\nb: "x\u200by"\n')).toEqual([
      '3:4: warning: Invisible character U+00A0 in a value: expected a space or nothing',
      '4:6: warning: Invisible character U+200B in a value: expected a space or nothing',
    ]);
  });

  it('a file of NULs has nothing else to say', () => {
    expect(problemsOf('a\0: b\0\n@\n')).toEqual([
      '1:2: error: NUL character: expected text; a file in UTF-16 needs its byte order mark',
    ]);
  });

  it('a file that is not YAML always has an error', () => {
    for (const source of ['yes: &c\n    z: 1\n- |2\n...\n', '*a  : # c\n !!str 7: ~\n- |\n', 'a: [\n', '}\n']) {
      const { isYaml, problems } = readYaml(source);
      expect([isYaml, problems.some(({ severity }) => severity === 'error')]).toEqual([false, true]);
    }
  });
});

describe('a value in quotes or brackets that goes on in lines indented less than its key', () => {
  it.each([
    ['a:\n  b: "x\n y"\n  c: 1\n', { a: { b: 'x y', c: '1' } }],
    ['a:\n  b: "x  \ny"\n  c: 1\n', { a: { b: 'x y', c: '1' } }],
    ["a:\n  b: 'it''s\n\n\ny'\n  c: 1\n", { a: { b: "it's\n\ny", c: '1' } }],
    ['a:\n  b: "x\\\ny \\" z"\n', { a: { b: 'xy " z' } }],
    ['a:\n  b: "x\ny"\n  c: "x\ny"\n', { a: { b: 'x y', c: 'x y' } }],
    ['a:\n  - "x\ny"\n', { a: ['x y'] }],
    ['a:\n  b: [1,\n2]\n  c: 1\n', { a: { b: ['1', '2'], c: '1' } }],
    [
      'a:\n  b: {x: 1, # not y: 3}\ny: "2\n3", z: p\nq}\n  c: 1\n',
      { a: { b: { x: '1', y: '2 3', z: 'p q' }, c: '1' } },
    ],
    ['a:\n  job: {\n  x: 1\n}\n', { a: { job: { x: '1' } } }],
  ])('is read as PyYAML reads it: %j (C-R25)', (source, expected) => {
    expect(problemsOf(source)).toEqual([]);
    expect(plain(readYaml(source).tree)).toEqual(expected);
  });

  it('keeps the places of what follows', () => {
    expect(problemsOf('a:\n  b: "x\ny"\n  c: *g\n')).toEqual([
      "4:6: error: Undefined alias '*g': expected an anchor '&g' above it",
    ]);
  });

  it('is an error where it does not end, or a document begins in it', () => {
    expect(problemsOf('a:\n  b: "x\ny\n')).toEqual([
      expect.stringContaining('2:6: error: The quote opened here is not closed'),
    ]);
    expect(problemsOf('a: "x\n---\ny"\n')[0]).toContain('1:4: error: The quote opened here is not closed');
    expect(problemsOf('a:\n  b: x\n y\n')).not.toEqual([]);
  });
});
