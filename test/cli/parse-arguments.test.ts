import { expect, test } from 'vitest';

import { parseArguments } from '#cli/parse-arguments.ts';

import type { CommandSpec, OptionSpec } from '#cli/parse-arguments.ts';

const globals: readonly OptionSpec[] = [
  { names: ['--run', '-r'], takes: 'one' },
  { names: ['--dstname', '-d'], takes: 'one' },
  { names: ['--verbose', '-v'], takes: 'nothing' },
  { names: ['--help', '-h'], takes: 'nothing' },
];
const commands: ReadonlyMap<string, CommandSpec> = new Map([
  [
    'finished',
    {
      options: [
        { names: ['--exit', '-e'], takes: 'one' },
        { names: ['--nevents'], takes: 'one' },
        { names: ['--nsegments'], takes: 'one' },
        { names: ['--inc'], takes: 'nothing' },
      ],
      positionals: [],
    },
  ],
  ['inputs', { options: [{ names: ['--files'], takes: 'many' }], positionals: [] }],
  [
    'stageout',
    {
      options: [
        { names: ['--dataset'], takes: 'one' },
        { names: ['--dsttype'], takes: 'one' },
        { names: ['--prodtype'], takes: 'one', choices: ['many', 'only'] },
        { names: ['--needed'], takes: 'one', isRequired: true },
      ],
      positionals: ['FILE', 'OUTDIR'],
    },
  ],
]);

function parse(line: readonly string[]): unknown {
  const parsed = parseArguments(line, globals, commands);
  if (parsed.kind !== 'parsed') return parsed.kind === 'complaint' ? parsed.message : 'help';
  return [
    parsed.command ?? '-',
    ...[...parsed.options].flatMap(([name, values]) => [name, ...values]),
    ...parsed.positionals,
  ];
}

test.each<[string[], string[]]>([
  [
    ['-r', '5', 'finished'],
    ['finished', '--run', '5'],
  ],
  [
    ['-r5', 'finished'],
    ['finished', '--run', '5'],
  ],
  [
    ['-r=5', 'finished'],
    ['finished', '--run', '5'],
  ],
  [
    ['-vr', '5', 'finished'],
    ['finished', '--verbose', '--run', '5'],
  ],
  [
    ['--ru=5', 'finished'],
    ['finished', '--run', '5'],
  ],
  [
    ['--dstname=A=B', 'finished'],
    ['finished', '--dstname', 'A=B'],
  ],
  [
    ['finished', '-e', '-1'],
    ['finished', '--exit', '-1'],
  ],
  [
    ['finished', '-e', '-0.5'],
    ['finished', '--exit', '-0.5'],
  ],
  [
    ['finished', '-e7', '--inc'],
    ['finished', '--exit', '7', '--inc'],
  ],
  [
    ['finished', '--ne', '3', '--i'],
    ['finished', '--nevents', '3', '--inc'],
  ],
  [
    ['finished', '--exit', ''],
    ['finished', '--exit', ''],
  ],
  [
    ['finished', '-e', '1', '-e', '2'],
    ['finished', '--exit', '2'],
  ],
  [
    ['finished', '-r', '5', '-v'],
    ['finished', '--run', '5', '--verbose'],
  ],
  [
    ['inputs', '--files', 'a', '-1', 'b c', '-v'],
    ['inputs', '--files', 'a', '-1', 'b c', '--verbose'],
  ],
  [
    ['inputs', '--files'],
    ['inputs', '--files'],
  ],
  [
    ['stageout', 'F', '--needed', 'x', 'D'],
    ['stageout', '--needed', 'x', 'F', 'D'],
  ],
  [
    ['stageout', '--needed', 'x', '--ds', 'T', '--', '-F', '-D'],
    ['stageout', '--needed', 'x', '--dsttype', 'T', '-F', '-D'],
  ],
  [
    ['stageout', '--needed', 'x', '- a', '-5'],
    ['stageout', '--needed', 'x', '- a', '-5'],
  ],
  [
    ['-r', '5'],
    ['-', '--run', '5'],
  ],
])('reads %j as argparse does', (line, expected) => {
  expect(parse(line)).toEqual(expected);
});

test.each<[string[], string]>([
  [['nothing'], "Unknown subcommand 'nothing': expected one of finished, inputs, stageout"],
  [['finished', '--n', '3'], "Option '--n' could be --nevents or --nsegments"],
  [['finished', '-e'], 'Option --exit/-e needs a value'],
  [['finished', '-e', '--nevents', '0'], 'Option --exit/-e needs a value'],
  [['finished', '--inc=1'], 'Option --inc takes no value'],
  [['finished', '-x'], "Unknown option '-x'"],
  [['--dstfile=A', 'finished'], "Unknown option '--dstfile'"],
  [['finished', 'more', 'words'], "Unexpected argument 'more words'"],
  [['stageout', 'F', 'D'], 'Missing arguments: --needed'],
  [['stageout', 'F', '--needed', 'x'], 'Missing arguments: OUTDIR'],
  [
    ['stageout', 'F', 'D', '--needed', 'x', '--prodtype', 'two'],
    "Unknown value of --prodtype 'two': expected one of many, only",
  ],
  [['finished', '--he'], 'help'],
  [['-vx', 'finished'], "Unknown option '-x'"],
])('says of %j what is wrong', (line, expected) => {
  expect(parse(line)).toBe(expected);
});
