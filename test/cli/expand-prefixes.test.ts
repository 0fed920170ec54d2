import fc from 'fast-check';
import { expect, it } from 'vitest';

import { expandPrefixes } from '#cli/expand-prefixes.ts';
import { UsageError } from '#model/errors.ts';

const known = ['--runs', '--runlist', '--rule', '--no-submit', '--nevents', '--limit'];

it.each([
  ['--runs 1 2', '--runs 1 2'],
  ['--no 1', '--no-submit 1'],
  ['--lim=3', '--limit=3'],
  ['--runl f', '--runlist f'],
  ['--foo', '--foo'],
  ['-r 1 --l 2', '-r 1 --limit 2'],
  ['-- --lim', '-- --lim'],
])('%s → %s', (given, expanded) => {
  expect(expandPrefixes(given.split(' '), known).join(' ')).toBe(expanded);
});

it('takes an option that is the beginning of another as itself', () => {
  expect(expandPrefixes(['--run'], ['--run', '--runs'])).toEqual(['--run']);
});

it('refuses the beginning of several options and names them', () => {
  expect(() => expandPrefixes(['--run', '1'], known)).toThrow(
    new UsageError("Ambiguous option '--run': it may mean '--runs', '--runlist'", {
      code: 'usage-ambiguous-option',
      advice: 'Write more of the option',
    }),
  );
});

it('leaves whole options and values as they are', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constantFrom(...known),
          fc.string().filter((text) => !text.startsWith('--')),
        ),
      ),
      (argv) => {
        expect(expandPrefixes(argv, known)).toEqual(argv);
      },
    ),
  );
});
