import { expect, expectTypeOf, it } from 'vitest';

import { present } from '#util/present.ts';

it('leaves out what is undefined, and nothing else', () => {
  const record = { a: undefined, b: null, c: 0, d: '', e: false, f: Number.NaN };
  expect(Object.entries(present(record))).toEqual([
    ['b', null],
    ['c', 0],
    ['d', ''],
    ['e', false],
    ['f', Number.NaN],
  ]);
  expect(record).toHaveProperty('a');
});

it('keeps the order of the keys, and a key named __proto__', () => {
  expect(JSON.stringify(present({ z: 1, y: undefined, a: 2, ['__proto__']: 3 }))).toBe('{"z":1,"a":2,"__proto__":3}');
});

it('makes optional what may be undefined, for fields that must be absent or set', () => {
  const code = Number(process.version.slice(1, 3)) > 0 ? 7 : undefined;
  const found: { readonly kind: 'held'; readonly code?: number } = { kind: 'held', ...present({ code }) };
  expect(found).toEqual({ kind: 'held', code: 7 });
  expectTypeOf(present({ code, node: 'n1' })).toExtend<{ readonly code?: number; readonly node: 'n1' }>();
});
