import { expect, test } from 'vitest';

import { makeBachiProgram, readBachiCall } from '#commands/bachi-options.ts';

const now = new Date(Date.UTC(2025, 3, 10, 12));
const parse = async (line: string): Promise<unknown> => (await readBachiCall(line.split(' '), now))?.detail;
const base = { kind: 'dataset', dstname: 'DST_CALO_run2pp_new_2024p007', run: 53534, blame: 'bachi' };

test.each([
  ['created DST_CALO_run2pp_new_2024p007 53534', { word: 'created' }],
  ['--blame cups updated DST_CALO_run2pp_new_2024p007 00053534', { word: 'updated', blame: 'cups' }],
  ['finalized DST_CALO_run2pp_new_2024p007 53534 53600', { word: 'finalized', lastRun: 53600 }],
  ['broken DST_CALO_run2pp_new_2024p007 53534 --blame me', { word: 'broken', blame: 'me' }],
  ['--blame cups created DST_CALO_run2pp_new_2024p007 53534 --parent a.root', { parent: 'a.root', blame: 'cups' }],
])('C-W22: reads %j', async (line, expected) => {
  expect(await parse(line)).toEqual({ word: 'created', ...base, ...expected });
});

test('takes a time without zone for UTC', async () => {
  expect(await readBachiCall(['--timestamp', '2025-04-10 08:00:00', 'updated', 'D', '1'], now)).toMatchObject({
    at: '2025-04-10T08:00:00.000Z',
  });
  expect(await readBachiCall(['updated', 'D', '1'], now)).toMatchObject({ at: '2025-04-10T12:00:00.000Z' });
});

test.each([
  ['', "Unknown subcommand '': expected one of created, updated, finalized, broken"],
  ['--blame me', 'A subcommand is missing: expected one of created, updated, finalized, broken'],
  ['created D', 'Argument RUN is missing'],
  ['created D five', "Argument RUN: 'five' is not a whole number: expected 0 or more"],
  ['created D 5 6 7', "Unexpected argument '7'"],
  ['updated D 5 --parent x', "Unknown option '--parent'"],
  ['created D 5 --parent', 'Option --parent needs a value'],
])('says what is wrong with %j', async (line, message) => {
  await expect(parse(line)).rejects.toThrow(message);
});

test('explains itself', () => {
  const program = makeBachiProgram(() => undefined);
  expect(program.helpInformation()).toMatchInlineSnapshot(`
    "Usage: bachi [options] [command]

    Reports the state of a dataset: the files of one name over a run, or over the
    runs from RUN to LASTRUN.

    Options:
      -V, --version       print the version
      --debug             on an error, show where it came from
      --blame <who>       who reports it (default: "bachi")
      --timestamp <time>  when it happened, in UTC unless it has a time zone
                          (default: now)
      -v, --verbose       print more on stderr
      -h, --help          print this help

    Commands:
      created             work on the dataset has begun
      updated             one more file is in it
      finalized           it is complete
      broken              it should not be used
      help                the same as --help
    "
  `);
  expect(program.commands[0]?.helpInformation()).toMatchInlineSnapshot(`
    "Usage: bachi created [options] <DSTNAME> <RUN> [LASTRUN]

    work on the dataset has begun

    Arguments:
      DSTNAME             name of the dataset
      RUN                 run number
      LASTRUN             last run of a range

    Options:
      --parent <name>     what it was made from
      -h, --help          print this help

    Global Options:
      -V, --version       print the version
      --debug             on an error, show where it came from
      --blame <who>       who reports it (default: "bachi")
      --timestamp <time>  when it happened, in UTC unless it has a time zone
                          (default: now)
      -v, --verbose       print more on stderr
    "
  `);
});
