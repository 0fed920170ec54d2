import { expect, test } from 'vitest';

import { parseBachi, renderBachiHelp } from '#commands/bachi-options.ts';

const now = new Date(Date.UTC(2025, 3, 10, 12));
const parse = (line: string): unknown => {
  const call = parseBachi(line.split(' '), now);
  return call.kind === 'tell' ? call.detail : call.kind;
};
const base = { kind: 'dataset', dstname: 'DST_CALO_run2pp_new_2024p007', run: 53534, blame: 'bachi' };

test.each([
  ['created DST_CALO_run2pp_new_2024p007 53534', { word: 'created' }],
  ['--blame cups updated DST_CALO_run2pp_new_2024p007 00053534', { word: 'updated', blame: 'cups' }],
  ['finalized DST_CALO_run2pp_new_2024p007 53534 53600', { word: 'finalized', lastRun: 53600 }],
  ['broken DST_CALO_run2pp_new_2024p007 53534 --blame me', { word: 'broken', blame: 'me' }],
  ['--blame cups created DST_CALO_run2pp_new_2024p007 53534 --parent a.root', { parent: 'a.root', blame: 'cups' }],
])('C-W22: reads %j', (line, expected) => {
  expect(parse(line)).toEqual({ word: 'created', ...base, ...expected });
});

test('takes a time without zone for UTC', () => {
  expect(parseBachi(['--timestamp', '2025-04-10 08:00:00', 'updated', 'D', '1'], now)).toMatchObject({
    at: '2025-04-10T08:00:00.000Z',
  });
  expect(parseBachi(['updated', 'D', '1'], now)).toMatchObject({ at: '2025-04-10T12:00:00.000Z' });
});

test.each([
  ['', "Unknown subcommand '': expected one of created, updated, finalized, broken"],
  ['--blame me', 'A subcommand is missing: expected one of created, updated, finalized, broken'],
  ['created D', 'Missing arguments: RUN'],
  ['created D five', "The RUN is 'five': expected a run number"],
  ['created D 5 6 7', "Unexpected argument '7'"],
  ['updated D 5 --parent x', "Unknown option '--parent'"],
  ['created D 5 --parent', 'Option --parent needs a value'],
])('says what is wrong with %j', (line, message) => {
  expect(() => parse(line)).toThrow(message);
});

test('explains itself', () => {
  expect(parse('--help')).toBe('help');
  expect(renderBachiHelp()).toMatchInlineSnapshot(`
    "usage: bachi [--blame WHO] [--timestamp T] SUBCOMMAND DSTNAME RUN [LASTRUN]

    Reports the state of a dataset: the files of one name over a run, or over the runs from RUN to LASTRUN.

      created               work on the dataset has begun
      updated               one more file is in it
      finalized             it is complete
      broken                it should not be used

      --blame               who reports it; default bachi
      --timestamp           when it happened, in UTC unless it has a time zone; default now
      --verbose, -v         print more on stderr
      --help, -h            print this help
      --parent              what it was made from
    "
  `);
});
