import { expect, it } from 'vitest';

import { formatValue } from '#rules/text/format-value.ts';

it.each([
  ['7', '', '7'],
  ['7', '04d', '0007'],
  ['-7', '04d', '-007'],
  ['7', '4', '   7'],
  ['7', '<4', '7   '],
  ['7', '+d', '+7'],
  ['1234567', ',', '1,234,567'],
  ['1234567', '_d', '1_234_567'],
  ['255', '#>6x', '####ff'],
  ['255', 'X', 'FF'],
  ['8', 'o', '10'],
  ['5', 'b', '101'],
  ['1.5', '.2f', '1.50'],
  ['3', '.1f', '3.0'],
  ['0.25', '.0%', '25%'],
  ['12345', '.2e', '1.23e+04'],
  ['abc', '6', 'abc   '],
  ['abc', '>6', '   abc'],
  ['abc', '*^7', '**abc**'],
  ['abc', '.2', 'ab'],
  ['7', 's', '7'],
])("formats '%s' by '%s' as '%s'", (value, spec, text) => {
  expect(formatValue(value, spec)).toBe(text);
});

it.each([
  ['abc', 'd'],
  ['1.5', 'd'],
  ['7', 'what'],
  ['7', '.2'],
  ['7', 'c'],
  ['7', '99999999999'],
  ['7', '.200f'],
  ['7', '.200e'],
])("has no text for '%s' by '%s'", (value, spec) => {
  expect(formatValue(value, spec)).toBeUndefined();
});
