import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { largestRun, parseRunlist, parseRuns, parseSegments } from '#model/run-selection.ts';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

describe('run selection', () => {
  it.each([
    ['cursor', { kind: 'cursor' }],
    ['cursor 1000', { kind: 'cursor', window: 1000 }],
    ['22026', { kind: 'one', run: 22026 }],
    ['0', { kind: 'one', run: 0 }],
    ['22000 22100', { kind: 'range', first: 22000, last: 22100 }],
    ['22000 22000', { kind: 'range', first: 22000, last: 22000 }],
    ['0 999999', { kind: 'range', first: 0, last: 999_999 }],
    ['22026 22027 22033', { kind: 'list', runs: [22026, 22027, 22033] }],
    ['22026 22027 0', { kind: 'list', runs: [22026, 22027] }],
    ['22026 0 0', { kind: 'list', runs: [22026] }],
    ['0 0 0', { kind: 'list', runs: [0] }],
    ['3 1 3 2', { kind: 'list', runs: [3, 1, 2] }],
    ['00022026', { kind: 'one', run: 22026 }],
    [String(largestRun), { kind: 'one', run: largestRun }],
  ])('reads --runs %s (C-S1)', (text, selection) => {
    expect(parseRuns(words(text))).toEqual({ kind: 'selection', selection });
  });

  it.each([
    ['', ['No run given']],
    ['abc', ["'abc' is not a run: expected a whole number from 0 to 2147483647"]],
    ['-5', ["'-5' is not a run: expected a whole number from 0 to 2147483647"]],
    ['1.5', ["'1.5' is not a run: expected a whole number from 0 to 2147483647"]],
    ['1e3', ["'1e3' is not a run: expected a whole number from 0 to 2147483647"]],
    ['2147483648', ["The run '2147483648' is too large: expected a whole number from 0 to 2147483647"]],
    ['22026,22027', ["'22026,22027' is not a run: expected spaces between numbers, not commas"]],
    ['22100 22000', ["The range of runs '22100 22000' is empty: expected the smaller number first"]],
    ['1 cursor', ["'cursor' is not a run: expected a whole number from 0 to 2147483647"]],
    ['cursor 1 2', ["Too many values after 'cursor': '1 2': expected one number at most"]],
    ['cursor x', ["'x' is not a window: expected a whole number from 0 to 2147483647"]],
    [
      'a 1 b',
      [
        "'a' is not a run: expected a whole number from 0 to 2147483647",
        "'b' is not a run: expected a whole number from 0 to 2147483647",
      ],
    ],
  ])("refuses --runs '%s' and says every reason", (text, reasons) => {
    expect(parseRuns(words(text))).toEqual({ kind: 'invalid', reasons });
  });

  it('reads segments alike, but 0 is one', () => {
    expect(parseSegments(['0'])).toEqual({ kind: 'selection', selection: { kind: 'one', segment: 0 } });
    expect(parseSegments(['0', '5'])).toEqual({ kind: 'selection', selection: { kind: 'range', first: 0, last: 5 } });
    expect(parseSegments(['0', '1', '2'])).toEqual({
      kind: 'selection',
      selection: { kind: 'list', segments: [0, 1, 2] },
    });
    expect(parseSegments(['cursor'])).toEqual({
      kind: 'invalid',
      reasons: ["'cursor' is not a segment: expected a whole number from 0 to 2147483647"],
    });
  });

  it('never makes a range of a list (C-S2)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: largestRun }), { minLength: 1, maxLength: 5 }), (runs) => {
        const selection = { kind: 'list', runs: [...new Set(runs)] };
        expect(parseRunlist(runs.join('\n'))).toEqual({ kind: 'selection', selection });
        expect(parseRuns([...runs.map(String), '0', '0'])).toEqual({ kind: 'selection', selection });
      }),
    );
  });

  it('never throws on arbitrary text', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constant('cursor'), fc.nat().map(String))), (any) => {
        expect(parseRuns(any)).toHaveProperty('kind');
        expect(parseSegments(any)).toHaveProperty('kind');
        expect(parseRunlist(any.join(' '))).toHaveProperty('kind');
      }),
    );
  });
});

describe('run list', () => {
  it('reads runs apart by spaces, commas and lines, without comments, blank lines and duplicates (C-S3)', () => {
    const text = '\uFEFF# good runs\r\n22026, 22027\n\n22033 # the last one\n22026\t22040,\n0\n';
    expect(parseRunlist(text)).toEqual({
      kind: 'selection',
      selection: { kind: 'list', runs: [22026, 22027, 22033, 22040] },
    });
  });

  it('stays a list with one run', () => {
    expect(parseRunlist('7')).toEqual({ kind: 'selection', selection: { kind: 'list', runs: [7] } });
  });

  it('reports the lines of all mistakes', () => {
    expect(parseRunlist('1\nx\n2 -3\n99999999999')).toEqual({
      kind: 'invalid',
      reasons: [
        "'x' in line 2 is not a run: expected a whole number from 0 to 2147483647",
        "'-3' in line 3 is not a run: expected a whole number from 0 to 2147483647",
        "The run '99999999999' in line 4 is too large: expected a whole number from 0 to 2147483647",
      ],
    });
  });

  it('is nonsense without a run', () => {
    expect(parseRunlist(' # none\n')).toEqual({
      kind: 'invalid',
      reasons: ['The list contains no run: expected one number or more'],
    });
  });
});
