import { expect, test } from 'vitest';

import { makeCupsProgram, readCupsCall } from '#commands/cups-options.ts';
import { SlurpError } from '#model/errors.ts';

const now = new Date('2025-04-10T12:00:00.000Z');
const who = ['-r', '00053534', '-s', '00012', '-d', 'DST_CALO_run2pp_ana437_2024p007'];

async function actionOf(line: readonly string[]): Promise<unknown> {
  const {
    run: _r,
    segment: _s,
    dstname: _d,
    isVerbose: _v,
    isUpdate: _u,
    at: _a,
    ...action
  } = {
    run: 0,
    segment: 0,
    dstname: '',
    isVerbose: false,
    isUpdate: true,
    at: '',
    ...(await readCupsCall([...who, ...line], now)),
  };
  return 'detail' in action ? action.detail : action;
}

test('reads what every call has', async () => {
  expect(await readCupsCall([...who, '-v', '-t', 'production_status', 'started'], now)).toEqual({
    kind: 'started',
    run: 53534,
    segment: 12,
    dstname: 'DST_CALO_run2pp_ana437_2024p007',
    isVerbose: true,
    isUpdate: true,
    at: '2025-04-10T12:00:00.000Z',
  });
});

test.each<[string[], unknown]>([
  [['started'], { kind: 'started' }],
  [['getinputs'], { kind: 'inputs' }],
  [['getranges'], { kind: 'ranges' }],
  [['running'], { kind: 'running' }],
  [['running', '--nsegments', '3'], { kind: 'running', nsegments: 3 }],
  [['finished'], { kind: 'finished' }],
  [
    ['finished', '-e', '0', '--nevents', '0', '--inc'],
    { kind: 'finished', exitCode: 0, nevents: 0, isIncrement: true },
  ],
  [['finished', '-e', '255', '--nevents', '-1'], { kind: 'finished', exitCode: 255, nevents: -1 }],
  [['finished', '-e', '-1', '--nsegments', '2'], { kind: 'finished', exitCode: -1, nsegments: 2 }],
  [['exitcode', '--exit', '3'], { kind: 'exitcode', exitCode: 3 }],
  [['exitcode'], { kind: 'exitcode', exitCode: -1 }],
  [['nevents', '--nevents', '5', '--inc'], { kind: 'nevents', nevents: 5, isIncrement: true }],
  [['inputs', '--files', 'a', 'b'], { kind: 'inputs', files: ['a', 'b'] }],
  [['inputs', '--files'], { kind: 'inputs', files: [] }],
  [
    ['message', 'Normal termination', '--flag', '0', '--logsize', '12'],
    { kind: 'message', text: 'Normal termination', logsize: 12 },
  ],
  [['message', 'x', '--flag', '10'], { kind: 'message', text: 'x', flag: 10 }],
  [
    ['message', 'please delete it', '--flag', '3', '--error', 'software-fault'],
    { kind: 'message', text: 'please delete it', flag: 2 ** 32 },
  ],
  [['message', 'x', '--flag', '3', '--error', 'none'], { kind: 'message', text: 'x' }],
  [
    [
      'stageout',
      'sub/F.root',
      '/out',
      '--nevents',
      '-1',
      '--inc',
      '--dataset',
      'ana437_2024p007',
      '--dsttype',
      'DST_CALO_run2pp',
      '--prodtype',
      'many',
    ],
    {
      kind: 'stageout',
      file: 'sub/F.root',
      directory: '/out',
      retries: 5,
      host: 'lustre',
      dataset: 'ana437_2024p007',
      dsttype: 'DST_CALO_run2pp',
      isIncrement: true,
      nevents: -1,
    },
  ],
  [
    ['stageout', 'F.root', '/out', '--hostname', 'gpfs', '--retries', '0'],
    {
      kind: 'stageout',
      file: 'F.root',
      directory: '/out',
      retries: 0,
      host: 'gpfs',
      isIncrement: false,
    },
  ],
])('reads %j (C-W1, C-W4, C-W6)', async (line, expected) => {
  expect(await actionOf(line)).toEqual(expected);
});

test('needs no run, segment and dstname for a stage-out', async () => {
  expect(await readCupsCall(['stageout', 'F.root', '/out'], now)).toEqual({
    kind: 'stageout',
    file: 'F.root',
    directory: '/out',
    retries: 5,
    host: 'lustre',
    isIncrement: false,
    isVerbose: false,
    isUpdate: true,
    at: '2025-04-10T12:00:00.000Z',
  });
});

test.each([
  ['2025-04-10 12:34:56+00:00', '2025-04-10T12:34:56.000Z'],
  ['2025-04-10 12:34:56', '2025-04-10T12:34:56.000Z'],
  ['2025-04-10T14:34:56.5+02:00', '2025-04-10T12:34:56.500Z'],
  ['2025-04-10', '2025-04-10T00:00:00.000Z'],
  [' 2025-04-10 14:34 +0200 ', '2025-04-10T12:34:00.000Z'],
  ['2025-04-10t12:34z', '2025-04-10T12:34:00.000Z'],
])('takes the time %s for %s', async (text, instant) => {
  expect(await readCupsCall([...who, '--timestamp', text, 'started'], now)).toMatchObject({ at: instant });
});

test('accepts the --dstfile of the pi0 scripts, and --no-update (C-W5, C-W9)', async () => {
  const line = [
    '-r',
    '1',
    '-s',
    '2',
    '-d',
    'none',
    '--dstfile',
    'HST_CALO_run2pp_new_2024p001-00000001-0000',
    '--no-update',
    'started',
  ];
  expect(await readCupsCall(line, now)).toMatchObject({ dstname: 'HST_CALO_run2pp_new_2024p001', isUpdate: false });
});

test.each<[string[], string | string[]]>([
  [[...who, 'finished', '-e', 'abc'], "Option --exit: 'abc' is not a whole number"],
  [[...who, 'finished', '-e', ''], "Option --exit: '' is not a whole number"],
  [[...who, 'message', 'x', '--logsize', '-2'], "Option --logsize: '-2' is not a whole number: expected 0 or more"],
  [[...who, 'message'], 'Argument TEXT is missing'],
  [[...who, 'inputs'], 'Option --files is missing: name a path'],
  [[...who, '-t', 'other', 'started'], "Option --table: 'other' is not a table: expected one of production_status"],
  [
    [...who, '--timestamp', 'noon', 'started'],
    "Option --timestamp: 'noon' is not a time: expected for example '2025-04-10 12:00:00'",
  ],
  [
    ['started'],
    [
      '--run/-r is missing: name a run',
      '--segment/-s is missing: name a segment',
      '--dstname/-d is missing: name a dstname',
    ],
  ],
  [['-r', 'x', '-s', '1', '-d', 'D', 'started'], "Option --run: 'x' is not a whole number: expected 0 or more"],
  [[...who, 'stageout', 'F'], 'Argument OUTDIR is missing'],
  [[...who, 'stageout', '', '/out'], 'Argument FILE: it is empty'],
  [[...who, 'quality', '--qafile', 'x'], "'cups quality' does not exist: quality records are not supported yet"],
  [[...who, 'execute', 'x', '-y'], "'cups execute' does not exist: the wrapper runs and supervises the script"],
  [
    [...who, '--bogus', 'message', '--flag', 'x', '--error', 'sigin'],
    [
      "Unknown option '--bogus'",
      "--flag: 'x' is not a whole number: expected 0 or more",
      "--error: 'sigin' is not a condition: did you mean 'sigint'?",
      'Argument TEXT is missing',
    ],
  ],
])('reports everything that is wrong with %j (C-W5, C-W7, C-W8)', async (line, expected) => {
  const error: unknown = await readCupsCall(line, now).catch((reason: unknown) => reason);
  if (!(error instanceof SlurpError)) throw new Error('it was taken', { cause: error });
  expect(error.complaints.length === 0 ? error.message : error.complaints).toEqual(expected);
});

test('what the original did not have makes no abbreviation ambiguous', async () => {
  const line = ['--r', '1', '--s', '2', '--d', 'D', '--v', 'started'];
  expect(await readCupsCall(line, now)).toMatchObject({ run: 1, segment: 2, dstname: 'D', isVerbose: true });
});

test('the last identifier counts, before or after the subcommand', async () => {
  expect(await readCupsCall(['-r', '1', 'stageout', 'F', '/out', '-r', '2'], now)).toMatchObject({ run: 2 });
  expect(await readCupsCall([...who, 'started', '-r', '2'], now)).toMatchObject({ run: 2, segment: 12 });
});

test('shows the arguments and options of one subcommand', () => {
  const help = (name: string): string | undefined =>
    makeCupsProgram(() => undefined)
      .commands.find((command) => command.name() === name)
      ?.helpInformation();
  expect(help('exitcode')).toMatchInlineSnapshot(`
    "Usage: cups exitcode [options]

    the macro has ended

    Options:
      -e, --exit <code>        exit code; above 0, the job failed
      -h, --help               print this help

    Global Options:
      -V, --version            print the version
      --debug                  on an error, show where it came from
      -r, --run <run>          run number
      -s, --segment <segment>  segment number
      -d, --dstname <dstname>  name of the product, e.g.
                               DST_CALO_run2pp_ana437_2024p007
      -v, --verbose            print more on stderr
      -t, --table <table>      where reports go (choices: "production_status")
      --no-update              report nothing
      --timestamp <time>       when it happened, in UTC unless it has a time zone
                               (default: now)
    "
  `);
});
