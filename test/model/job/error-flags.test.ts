import { expect, test } from 'vitest';

import { errorFlags, flagOf } from '#model/job/error-flags.ts';

test('names every condition of the contract once, bit 32 included', () => {
  expect(Object.values(errorFlags).reduce((sum, flag) => sum + flag, 0)).toBe(
    [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 32].reduce((sum, bit) => sum + 2 ** bit, 0),
  );
  expect(flagOf('software-fault')).toBe(4_294_967_296);
});

test('has no bit for other names', () => {
  expect(flagOf('constructor')).toBeUndefined();
});
