import fc from 'fast-check';
import { expect, it } from 'vitest';

import { renderFloat, resolvePlainScalar } from '#util/yaml/plain-scalar.ts';

it.each([
  ['yes', 'boolean', 'True'],
  ['Off', 'boolean', 'False'],
  ['y', 'text', 'y'],
  ['010', 'integer', '8'],
  ['08', 'text', '08'],
  ['0o17', 'text', '0o17'],
  ['0xFF', 'integer', '255'],
  ['-0x10', 'integer', '-16'],
  ['0b101', 'integer', '5'],
  ['1_000', 'integer', '1000'],
  ['1:30', 'integer', '90'],
  ['+7', 'integer', '7'],
  ['-0', 'integer', '0'],
  ['123456789012345678901234567890', 'integer', '123456789012345678901234567890'],
  ['1.50', 'float', '1.5'],
  ['5.', 'float', '5.0'],
  ['1e3', 'text', '1e3'],
  ['1.0e+3', 'float', '1000.0'],
  ['1.0e+22', 'float', '1e+22'],
  ['0.00001', 'float', '1e-05'],
  ['1:0.5', 'float', '60.5'],
  ['-.INF', 'float', '-inf'],
  ['.nan', 'float', 'nan'],
  ['~', 'null', 'None'],
  ['', 'null', 'None'],
  ['2024-03-01', 'timestamp', '2024-03-01'],
  ['2024-3-1 4:05:06', 'timestamp', '2024-03-01 04:05:06'],
  ['2001-12-14t21:59:43.10-05:00', 'timestamp', '2001-12-14 21:59:43.100000-05:00'],
  ['2024-03-01T10:02:03Z', 'timestamp', '2024-03-01 10:02:03+00:00'],
  ['2024p007', 'text', '2024p007'],
  ['ana.437', 'text', 'ana.437'],
])('reads %s as %s (C-R2)', (source, kind, text) => {
  expect(resolvePlainScalar(source)).toEqual({ kind, text });
});

it('never throws', () => {
  const near = fc.string({ unit: fc.constantFrom(...'0123456789_.+-:xboeEaftyTZ ') });
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (source) => {
      expect(typeof resolvePlainScalar(source).text).toBe('string');
    }),
  );
});

it('writes every number so that it is read as the same', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Number(renderFloat(value))).toBe(value);
    }),
  );
});
