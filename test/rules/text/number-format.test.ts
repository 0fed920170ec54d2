import fc from 'fast-check';
import { expect, it } from 'vitest';

import { formatNumber, makeNumberPrinter, parseNumberFormat } from '#rules/text/number-format.ts';

const print = (kind: 'integer' | 'real', text: string, value: number): string | undefined => {
  const format = parseNumberFormat(text, kind);
  return format === undefined ? undefined : makeNumberPrinter(format)(value);
};

it.each([
  ['%08i', 53534, '00053534'],
  ['%08d', 53534, '00053534'],
  ['%010d', 53534, '0000053534'],
  ['%05i', 123456, '123456'],
  ['%d', -7, '-7'],
  ['%05d', -7, '-0007'],
  ['%-5d|', 42, '42   |'],
  ['%+d', 42, '+42'],
  ['% d', 42, ' 42'],
  ['%5d', 42, '   42'],
  ['%.4d', 42, '0042'],
  ['%x', 255, 'ff'],
  ['%04X', 255, '00FF'],
  ['%o', 8, '10'],
  ['%lld', 42, '42'],
  ['run %d of %%', 42, 'run 42 of %'],
  ['%d', 3.9, '3'],
])('prints %s of %d as %s', (format, value, text) => {
  expect(print('integer', format, value)).toBe(text);
});

it.each([
  ['%.2f', 2.345_67, '2.35'],
  ['%f', 1, '1.000000'],
  ['%08.2f', -2.345_67, '-0002.35'],
  ['%e', 12_345, '1.234500e+04'],
  ['%E', 12_345, '1.234500E+04'],
  ['%g', 0.0001, '0.0001'],
  ['%g', 1_234_567, '1.23457e+06'],
  ['%.16G', 0.5, '0.5'],
])('prints %s of %d as %s', (format, value, text) => {
  expect(print('real', format, value)).toBe(text);
});

it.each(['', '8', '%', '%s', '%d %d', '%q', '%8', '%99999999999d', '%.99999999999f'])(
  "does not know '%s'",
  (format) => {
    expect(parseNumberFormat(format, 'integer')).toBeUndefined();
    expect(parseNumberFormat(format, 'real')).toBeUndefined();
  },
);

it('takes the short way to the same text', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(12), fc.constantFrom('', '0'), (value, width, flag) => {
      const format = parseNumberFormat(`%${flag}${width === 0 ? '' : width}i`, 'integer');
      expect(format).toBeDefined();
      if (format !== undefined) expect(makeNumberPrinter(format)(value)).toBe(formatNumber(value, format));
    }),
  );
});
