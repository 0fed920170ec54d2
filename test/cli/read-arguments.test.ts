import { Option } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { markExclusive, putDefaultCommand, putOptionCheck } from '#cli/option-constraints.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { readArguments } from '#cli/read-arguments.ts';
import { parseCount } from '#cli/value-parsers.ts';
import { SlurpError } from '#model/errors.ts';

import type { Command } from 'commander';

function makeToy(take: (command: Command) => void = () => undefined): Command {
  const program = makeProgram('toy', 'has all kinds of options')
    .option('-r, --run <run>')
    .option('-d, --dstname <name>')
    .option('-v, --verbose');
  const add = (name: string): Command => {
    const command = program.command(name);
    return command.action(() => take(command));
  };
  add('finished').option('-e, --exit <code>').option('--nevents <n>').option('--nsegments <n>').option('--inc');
  add('inputs').option('--files [path...]');
  add('stageout')
    .arguments('<FILE> <OUTDIR>')
    .option('--dataset <name>')
    .option('--dsttype <type>')
    .addOption(new Option('--prodtype <type>').choices(['many', 'only']))
    .requiredOption('--needed <thing>');
  add('lists')
    .option('--runs <run...>')
    .option('-u, --unblock-state <state...>')
    .option('--dump [directory]')
    .option('--no-submit')
    .option('--submit')
    .argument('[word...]');
  const own = add('own').option('-r, --run <number>', 'its own', parseCount).option('--why').option('--check');
  own.option('--limit <n>', 'rows', parseCount, 0);
  markExclusive(own, ['--why', '--check', '--limit']);
  putOptionCheck(own, ({ run, limit }) => (run === limit ? ['--run: it is the limit'] : []));
  const group = program.command('with');
  const usual = group.command('usual', { hidden: true }).option('--delay <n>').argument('[word]');
  putDefaultCommand(
    group,
    usual.action(() => take(usual)),
  );
  program
    .command('nested')
    .command('inner')
    .option('--deep')
    .argument('[word]')
    .action((_, __, inner) => take(inner));
  return program;
}

/** The subcommand, the options that were given with their values, and the arguments. */
async function parse(line: readonly string[]): Promise<readonly unknown[]> {
  let found: readonly unknown[] = ['help'];
  const program = makeToy((command) => {
    const given = Object.entries(command.optsWithGlobals()).filter(
      ([name]) => command.getOptionValueSourceWithGlobals(name) === 'cli',
    );
    const options = given.flatMap(([name, value]) => [`--${name}`, ...(value === true ? [] : [value].flat())]);
    found = [command.name(), ...options, ...command.args];
  });
  await parseProgram(program, line);
  return found;
}

/** All that is wrong with a line. */
async function complain(line: readonly string[]): Promise<readonly string[]> {
  const error: unknown = await parse(line).catch((reason: unknown) => reason);
  if (!(error instanceof SlurpError)) return [`none: ${String(error)}`];
  return error.complaints.length === 0 ? [error.message] : error.complaints;
}

test.each<[string[], unknown[]]>([
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
    ['lists', '--runs', '1', '2', '--no-s', '--runs', '3'],
    ['lists', '--submit', false, '--runs', '3'],
  ],
  [
    ['lists', '-u', 'held', '--runs', '1', '-ufailed', 'x', '--unblock-state=started'],
    ['lists', '--runs', '1', '--unblockState', 'started', 'x'],
  ],
  [
    ['lists', '--runs=1', 'word', '--', '--runs', '2'],
    ['lists', '--runs', '1', 'word', '--runs', '2'],
  ],
  [
    ['lists', '--no-submit', '--submit', '--dump', '--runs', '-1'],
    ['lists', '--submit', '--dump', '--runs', '-1'],
  ],
  [
    ['lists', '--dump', 'there', 'word'],
    ['lists', '--dump', 'there', 'word'],
  ],
  [
    ['-r', '4', 'own', '--run', '5'],
    ['own', '--run', 5],
  ],
  [
    ['with', '-v', '--del', '3'],
    ['usual', '--delay', '3', '--verbose'],
  ],
  [['with'], ['usual']],
  [
    ['-v', 'nested', 'inner', '--de', 'inner', '-r', '1'],
    ['inner', '--deep', '--verbose', '--run', '1', 'inner'],
  ],
])('reads %j as argparse does (C-W1)', async (line, expected) => {
  expect(await parse(line)).toEqual(expected);
});

test.each<[string[], string[]]>([
  [
    ['nothing', '--at', 'all'],
    ["Unknown subcommand 'nothing': expected one of finished, inputs, stageout, lists, own, with, nested"],
  ],
  [['finshed'], ["Unknown subcommand 'finshed': did you mean 'finished'?"]],
  [[], ['A subcommand is missing: expected one of finished, inputs, stageout, lists, own, with, nested']],
  [['nested', '-v'], ['A subcommand is missing: expected one of inner']],
  [['with', 'word'], ["Unknown subcommand 'word': expected one of "]],
  [['with', '--dely'], ["Unknown option '--dely': did you mean '--delay'?"]],
  [['finished', '--n', '3'], ["Option '--n' could be --nevents or --nsegments"]],
  [['finished', '-e'], ['Option --exit/-e needs a value']],
  [['finished', '-e', '--nevents', '0'], ['Option --exit/-e needs a value']],
  [['finished', '--inc=1'], ['Option --inc takes no value']],
  [['finished', '-x'], ["Unknown option '-x'"]],
  [['finished', '--nevent=1', '--excit', '3'], ["Unknown option '--excit': did you mean '--exit'?"]],
  [['--dstfile=A', 'finished'], ["Unknown option '--dstfile': did you mean '--dstname'?"]],
  [['finished', 'more', 'words'], ["Unexpected argument 'more words'"]],
  [['stageout', 'F', 'D'], ['Option --needed is missing: name a thing']],
  [['stageout', 'F', '--needed', 'x'], ['Argument OUTDIR is missing']],
  [
    ['stageout', 'F', 'D', '--needed', 'x', '--prodtype', 'two'],
    ["Option --prodtype: 'two' is not a type: expected one of many, only"],
  ],
  [['-vx', 'finished'], ["Unknown option '-x'"]],
  [['lists', '--runs'], ['Option --runs needs a value']],
  [
    ['stageout', '--bogus', '--prodtype', 'mny', '--dataset', '-v', 'F'],
    [
      "Unknown option '--bogus'",
      '--dataset needs a value',
      "--prodtype: 'mny' is not a type: did you mean 'many'?",
      '--needed is missing: name a thing',
      'Argument OUTDIR is missing',
    ],
  ],
  [
    ['own', '--why', '--limit', '1', '-r', 'x', '--check'],
    ["--run: 'x' is not a whole number: expected 0 or more", '--why and --check and --limit: use only one of them'],
  ],
  [
    ['own', '-r', '7', '--limit', '7', '--bogus'],
    ["Unknown option '--bogus'", '--run: it is the limit'],
  ],
])('reports everything that is wrong with %j (C-K2)', async (line, expected) => {
  expect(await complain(line)).toEqual(expected);
});

test.each([
  [['finished', '--bogus', '--he'], 'finished --help'],
  [['stageout', '-h'], 'stageout --help'],
  [['help', 'nested', 'inner'], 'nested inner --help'],
  [['help'], '--help'],
  [['-r', '1', '--vers', 'finished', '--bogus'], '--version'],
])('prints the help or the version, whatever else %j asks for', (line, words) => {
  expect(readArguments(makeToy(), line)).toMatchObject({ words: words.split(' '), problems: [] });
});

test('leaves whole options and values as they are', () => {
  const option = fc.constantFrom('run', 'dstname').chain((name) => fc.string().map((value) => `--${name}=${value}`));
  fc.assert(
    fc.property(option, fc.array(fc.string()), (given, operands) => {
      const line = ['lists', '--', ...operands];
      const { words, problems } = readArguments(makeToy(), [given, ...line]);
      expect({ words, problems }).toEqual({ words: [given, ...line], problems: [] });
    }),
  );
});
