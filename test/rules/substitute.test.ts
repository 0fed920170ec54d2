import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { substitute, substituteKnown } from '#rules/substitute.ts';

import type { FieldValue } from '#rules/substitute.ts';

const fields: Readonly<Record<string, FieldValue>> = {
  name: 'DST_X_run9pp',
  number: '7',
  width: '5',
  inner: '{name}',
  args: { nevents: '0', mode: 'physics' },
  config: { params: { name: 'raw' }, 'odd key': 'v' },
};
const find = (name: string): FieldValue | undefined => (Object.hasOwn(fields, name) ? fields[name] : undefined);

describe('substitute', () => {
  it.each([
    ['', ''],
    ['no field', 'no field'],
    ['a {name} b {number}', 'a DST_X_run9pp b 7'],
    ['{{name}} }}{{', '{name} }{'],
    ['{{{name}}}', '{DST_X_run9pp}'],
    ['{args.nevents}', '0'],
    ['{args[mode]}', 'physics'],
    ['{config[params][name]} {config[odd key]}', 'raw v'],
    ['{number:03d}|{number:>{width}}', '007|    7'],
    ['{name!r} {number!s}', "'DST_X_run9pp' 7"],
    ['{inner}', '{name}'],
  ])('fills %j as %j (C-R5)', (template, text) => {
    expect(substitute(template, find)).toMatchObject({ text, problems: [] });
  });

  it('says everything that cannot be filled, where it stands, and leaves it as written', () => {
    const { text, problems } = substitute('a {nome} } {args} {args.x} {} {name:d} {0} {', find);
    expect(text).toBe('a {nome} } {args} {args.x} {} {name:d} {0} {');
    expect(problems.map(({ offset, message }) => `${offset}: ${message}`)).toMatchInlineSnapshot(`
      [
        "2: '{nome}' is not defined",
        "9: A single '}'",
        "11: '{args}' is a group of values, not one",
        "18: 'args' has no part 'x' in '{args.x}'",
        "27: '{}' is not a field",
        "30: The format 'd' in '{name:d}' does not match the value 'DST_X_run9pp'",
        "39: '{0}' is not defined",
        "43: A single '{'",
      ]
    `);
  });

  it('knows where every character comes from', () => {
    const template = 'x {name} {{y}} z';
    const { text, originOf } = substitute(template, find);
    expect(template[originOf(text.indexOf('z'))]).toBe('z');
    expect(template.slice(originOf(text.indexOf('run9pp')))).toBe('{name} {{y}} z');
    expect(template.slice(originOf(text.indexOf('y')))).toBe('y}} z');
  });

  it('never throws', () => {
    const text = fc.string({ unit: fc.constantFrom(...'{}[].!:rsnamedx 0'.split('')) });
    fc.assert(
      fc.property(text, (template) => {
        const filled = substitute(template, find);
        expect(filled.originOf(filled.text.length)).toBeLessThanOrEqual(template.length);
      }),
      { numRuns: 500 },
    );
  });

  it('gives back every text whose braces are doubled', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(substitute(text.replaceAll('{', '{{').replaceAll('}', '}}'), find).text).toBe(text);
      }),
    );
  });
});

describe('substituteKnown', () => {
  it('fills what is known by a plain name and leaves everything else', () => {
    const text = '{name} {nome} {{name}} {args} {1,2} {name:d} $& {number}';
    expect(substituteKnown(text, find)).toBe('DST_X_run9pp {nome} {DST_X_run9pp} {args} {1,2} {name:d} $& 7');
  });
});
