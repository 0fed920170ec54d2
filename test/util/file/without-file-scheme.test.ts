import { expect, it } from 'vitest';

import { withoutFileScheme } from '#util/file/without-file-scheme.ts';

it.each([
  ['file:///a/b', '/a/b'],
  ['file:/a/b', '/a/b'],
  ['file:////a', '/a'],
  ['file://a/b', '/a/b'],
  ['FILE:///a', '/a'],
  ['file://./a', './a'],
  ['file://../a', '../a'],
  ['file://.', '.'],
  ['file:a', 'a'],
  ['file://', ''],
  ['file:', ''],
  ['/a/file:/b', '/a/file:/b'],
  ['//a', '//a'],
  ['a', 'a'],
  ['', ''],
  ['root://host//a', 'root://host//a'],
  ['profile:/a', 'profile:/a'],
])("'%s' → '%s'", (text, expected) => {
  expect(withoutFileScheme(text)).toBe(expected);
});
