import { describe, expect, it } from 'vitest';

import { withoutRepeated } from '#cli/without-repeated.ts';

describe('an option with several values', () => {
  const options = [['--runs'], ['-u', '--unblock-state']];
  it.each([
    ['once stays', '--runs 1 2 --plan', '--runs 1 2 --plan'],
    ['given twice, the last one holds', '--runs 1 2 --rule R --runs 3', '--rule R --runs 3'],
    [
      'three times, in all spellings',
      '-u held --runs 1 -ufailed x --unblock-state=started',
      '--runs 1 x --unblock-state=started',
    ],
    ['attached, it takes nothing that follows', '--runs=1 submit --runs 2', 'submit --runs 2'],
    ['is not another that begins alike', '--runs 1 --runs-x 2', '--runs 1 --runs-x 2'],
    ['behind -- is none', '--runs 1 -- --runs 2', '--runs 1 -- --runs 2'],
  ])('%s', (_title, line, left) => {
    expect(withoutRepeated(line.split(' '), options).join(' ')).toBe(left);
  });
});
