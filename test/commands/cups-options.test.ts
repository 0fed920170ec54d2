import { expect, test } from 'vitest';

import { parseCups, renderHelp } from '#commands/cups-options.ts';

const now = new Date('2025-04-10T12:00:00.000Z');
const who = ['-r', '00053534', '-s', '00012', '-d', 'DST_CALO_run2pp_ana437_2024p007'];

function actionOf(line: readonly string[]): unknown {
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
    ...parseCups([...who, ...line], now),
  };
  return 'detail' in action ? action.detail : action;
}

test('reads what every call has', () => {
  expect(parseCups([...who, '-v', '-t', 'production_status', 'started'], now)).toEqual({
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
])('reads %j (C-W1, C-W4, C-W6)', (line, expected) => {
  expect(actionOf(line)).toEqual(expected);
});

test('needs no run, segment and dstname for a stage-out', () => {
  expect(parseCups(['stageout', 'F.root', '/out'], now)).toEqual({
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
])('takes the time %s for %s', (text, instant) => {
  expect(parseCups([...who, '--timestamp', text, 'started'], now)).toMatchObject({ at: instant });
});

test('accepts the --dstfile of the pi0 scripts, and --no-update (C-W5, C-W9)', () => {
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
  expect(parseCups(line, now)).toMatchObject({ dstname: 'HST_CALO_run2pp_new_2024p001', isUpdate: false });
});

test.each<[string[], string]>([
  [[...who, 'finished', '-e', 'abc'], "Value 'abc' of --exit is wrong: expected a whole number"],
  [[...who, 'finished', '-e', ''], "Value '' of --exit is wrong: expected a whole number"],
  [[...who, 'message', 'x', '--logsize', '-2'], "Value '-2' of --logsize is wrong: expected 0 or more"],
  [[...who, 'message'], 'Missing arguments: TEXT'],
  [[...who, 'inputs'], "'inputs' needs --files FILE …"],
  [[...who, '-t', 'other', 'started'], "Unknown value of --table/-t 'other': expected one of production_status"],
  [
    [...who, '--timestamp', 'noon', 'started'],
    "Value 'noon' of --timestamp is not a time: expected for example '2025-04-10 12:00:00'",
  ],
  [['started'], 'Missing arguments: --run/-r, --segment/-s, --dstname/-d'],
  [['-r', 'x', '-s', '1', '-d', 'D', 'started'], "Value 'x' of --run is wrong: expected a whole number"],
  [[...who, 'stageout', 'F'], 'Missing arguments: OUTDIR'],
  [[...who, 'quality', '--qafile', 'x'], "'cups quality' does not exist: quality records are not supported yet"],
  [[...who, 'execute', 'x', '-y'], "'cups execute' does not exist: the wrapper runs and supervises the script"],
])('complains of %j (C-W5, C-W7, C-W8)', (line, message) => {
  expect(() => parseCups(line, now)).toThrow(message);
});

test('shows the arguments and options of one subcommand', () => {
  expect(renderHelp('exitcode')).toMatchInlineSnapshot(`
    "usage: cups -r RUN -s SEG -d DSTNAME [options] exitcode

    the macro has ended

      --exit, -e            exit code; above 0, the job failed

      --run, -r             run number
      --segment, -s         segment number
      --dstname, -d         name of the product, e.g. DST_CALO_run2pp_ana437_2024p007
      --verbose, -v         print more on stderr
      --table, -t           production_status (production_status)
      --no-update           report nothing
      --timestamp           when it happened, in UTC unless it has a time zone; default now
      --help, -h            print this help
    "
  `);
});
