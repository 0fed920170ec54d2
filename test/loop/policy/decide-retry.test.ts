import { expect, test } from 'vitest';

import { decideRetry } from '#loop/policy/decide-retry.ts';
import { defaultBreaker } from '#model/policy/breaker.ts';
import { retryShape } from '#model/shape/retry-shape.ts';

import type { ProductFailure } from '#model/policy/retry-policy.ts';

const failure: ProductFailure = {
  ...{ cupsid: 1, dstfile: 'DST_A-00000001-00000', run: 1, segment: 0, state: 'failed', exitCode: 1, holdCode: null },
  ...{ flags: 0, message: null, node: null, memoryMb: null, diskMb: null, sinceMs: 1_000_000, failures: 1 },
  ...{ requestedMemoryMb: null, requestedDiskMb: null, signal: null, isPauseDone: false },
};
const decide = (cases: unknown, found: Partial<ProductFailure> = {}, requests = {}) =>
  decideRetry({ ...failure, ...found }, retryShape.parse({ cases }), requests);
/** The number of the case that a failure meets. */
const caseOf = (cases: unknown, found: Partial<ProductFailure>) => decide(cases, found).caseNumber;

test('takes the first case that agrees in all that it names', () => {
  const cases = [
    { when: { exit_code: [2, 3], node: 'bad\\d+' }, do: 'give-up' },
    { when: { signal: 'SIGKILL' }, do: 'retry' },
    { when: { hold_code: [26, 34] }, do: 'retry' },
    { when: { flag: 4 }, do: 'retry' },
    { when: { message: 'No space left' }, do: 'retry' },
    { do: 'pause' },
  ];
  expect(caseOf(cases, { exitCode: 3, node: 'bad7' })).toBe(1);
  expect(caseOf(cases, { exitCode: 3, node: 'bad7.farm' })).toBe(6);
  expect(caseOf(cases, { exitCode: 137 })).toBe(2);
  expect(caseOf(cases, { exitCode: null, message: 'Killed by SIGKILL' })).toBe(2);
  expect(caseOf(cases, { exitCode: null, signal: 'SIGKILL' })).toBe(2);
  expect(caseOf(cases, { exitCode: null, holdCode: 34 })).toBe(3);
  expect(caseOf(cases, { flags: 16 })).toBe(4);
  expect(caseOf(cases, { flags: 15 })).toBe(6);
  expect(caseOf(cases, { message: 'write: No space left on device' })).toBe(5);
  expect(decide([{ when: { exit_code: 7 }, do: 'retry' }])).toEqual({
    ...{ action: 'none', reason: "No case of 'retry' matches: Exit code 1" },
  });
});

test.each([
  [1, undefined],
  [15, undefined],
  [16, undefined],
  [12, 1],
] as const)('a held job with code %i, and a case for all failures: %s', (holdCode, expected) => {
  const held = { state: 'held', holdCode } as const;
  expect(caseOf([{ do: 'retry' }], held)).toBe(expected);
  expect(caseOf([{ when: { hold_code: holdCode }, do: 'retry' }], held)).toBe(1);
});

test('retries after a wait that doubles, and gives up after the last allowed attempt', () => {
  const cases = [{ do: 'retry', after: '10m' }];
  expect(decide(cases)).toMatchObject({ action: 'retry', dueMs: 1_600_000, reason: 'Exit code 1: retry after 10m' });
  expect(decide(cases, { failures: 2 })).toMatchObject({ dueMs: 2_200_000 });
  expect(decide(cases, { failures: 3 })).toEqual({
    ...{ action: 'give-up', caseNumber: 1, reason: '3 of 3 attempts failed, the last one: Exit code 1' },
  });
});

test('requests more memory than was measured and than was requested, up to a limit', () => {
  const cases = [{ when: { hold_code: 34 }, do: 'more-memory', factor: 2, up_to: '4GB' }];
  const held = { state: 'held', exitCode: null, holdCode: 34 } as const;
  expect(decide(cases, { ...held, memoryMb: 700.2 }, { memoryMb: 512 })).toMatchObject({ memoryMb: 1401 });
  expect(decide(cases, held, { memoryMb: 512 })).toMatchObject({
    ...{ memoryMb: 1024, reason: 'Held with code 34: retry with 1024 MB of memory' },
  });
  expect(decide(cases, { ...held, requestedMemoryMb: 3000 }, { memoryMb: 512 })).toMatchObject({ memoryMb: 4096 });
  expect(decide(cases, { ...held, requestedMemoryMb: 4096, failures: 2 })).toMatchObject({
    ...{ action: 'give-up', reason: 'Held with code 34; it already requests 4096 MB of memory' },
  });
  expect(decide([{ do: 'more-disk' }], { diskMb: 100 }, { diskMb: 80 })).toMatchObject({ diskMb: 150 });
});

test('avoids the node on which it failed', () => {
  expect(decide([{ do: 'avoid-node' }], { node: 'n1.farm' })).toMatchObject({
    ...{ avoidedNode: 'n1.farm', reason: 'Exit code 1: retry on another machine than n1.farm' },
  });
});

test('is passive and allows three attempts unless it says otherwise, and takes numbers as texts of a rule file', () => {
  expect(retryShape.parse({ cases: [] })).toEqual({
    ...{ isActive: false, attempts: 3, cases: [] },
    breaker: defaultBreaker,
  });
  const cases = [{ when: { exit_code: ['1', '2'] }, do: 'more-memory', factor: '1.2', up_to: '8GB' }];
  expect(retryShape.parse({ mode: 'active', attempts: '5', cases, breaker: 'off' })).toEqual({
    ...{ isActive: true, attempts: 5 },
    cases: [{ when: { exitCodes: [1, 2] }, do: 'more-memory', afterMs: 0, factor: 1.2, upToMb: 8192 }],
  });
});

test.each([
  [{ cases: [{ do: 'again' }] }, 'one of retry, more-memory'],
  [{ cases: [{ do: 'retry', after: '10' }] }, 'a time span with its unit'],
  [{ cases: [{ when: { message: '(' }, do: 'retry' }] }, 'a regular expression'],
  [{ cases: [{ when: { exitcode: 1 }, do: 'retry' }] }, 'one of exit_code, hold_code'],
  [{ mode: 'on', cases: [] }, "'passive' or 'active'"],
  [{ attempts: 0, cases: [] }, 'a whole number above 0'],
  [{ cases: 'none' }, 'a list of cases'],
])('refuses %j', (value, wanted) => {
  expect(retryShape.safeParse(value).error?.message).toContain(wanted);
});
