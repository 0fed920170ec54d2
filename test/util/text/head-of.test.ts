import { expect, it } from 'vitest';

import { headOf } from '#util/text/head-of.ts';

it.each([
  ['node.site.org', '.', 'node'],
  ['node', '.', 'node'],
  ['a\nb\nc', '\n', 'a'],
  ['.a', '.', ''],
  ['', '.', ''],
  ['a$(streamname)b', '$(streamname)', 'a'],
])("'%s' before '%s': '%s'", (text, separator, expected) => {
  expect(headOf(text, separator)).toBe(expected);
});
