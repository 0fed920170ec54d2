import { Command, CommanderError } from 'commander';

import { UsageError } from '#model/errors.ts';
import { present } from '#util/present.ts';

import packageFacts from '../../package.json' with { type: 'json' };
import { optionCheckOf } from './option-constraints.ts';
import { writeOutput } from './output.ts';
import { helpOption, readArguments } from './read-arguments.ts';

/**
 * Makes the option parser of a command, with `--help`, `--version` and `--debug`; the command adds its own options,
 * subcommands and actions, and hands it to {@link parseProgram}. Every option has a long form. An option takes its values
 * as commander declares them: `<one>`, `<one-or-more...>`, `[none-or-one]`, `[any-number...]`; its parser throws
 * commander's InvalidArgumentError.
 */
export function makeProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .enablePositionalOptions()
    .version(packageFacts.version, '-V, --version', 'print the version')
    .option('--debug', 'on an error, show where it came from')
    .addHelpOption(helpOption)
    .helpCommand('help [subcommand]', 'the same as --help')
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: 80,
      subcommandTerm: (command) => [command.name(), ...command.aliases()].join(', '),
    });
}

/**
 * Parses the arguments as argparse would and runs the action of the program or subcommand.
 *
 * @param argv arguments after the name of the command
 * @returns false after `--help` or `--version`: there is nothing more to do, no action was run
 * @throws UsageError with everything that is wrong; its facts name a `subcommand` that does not exist; and what the
 * action throws
 */
export async function parseProgram(program: Command, argv: readonly string[]): Promise<boolean> {
  const { command, words, problems, unknownSubcommand } = readArguments(program, argv);
  const pending: Promise<unknown>[] = [];
  for (const one of [program, ...subcommandsOf(program)]) {
    one.exitOverride();
    one.configureOutput({ writeOut: (text) => pending.push(writeOutput(text)), writeErr: () => undefined });
  }
  program.hook('preAction', (_, acting) => {
    const all = [...problems, ...optionCheckOf(acting)(acting.optsWithGlobals())];
    if (all.length > 0) throw makeUsageError(command, all);
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (problems.length > 0) throw makeUsageError(command, problems, unknownSubcommand);
    if (error.exitCode !== 0) throw error;
    return false;
  } finally {
    await Promise.all(pending);
  }
}

function subcommandsOf(command: Command): readonly Command[] {
  return command.commands.flatMap((subcommand) => [subcommand, ...subcommandsOf(subcommand)]);
}

function makeUsageError(command: Command, problems: readonly string[], subcommand?: string): UsageError {
  const [first = ''] = problems;
  const options = {
    code: 'usage-arguments',
    advice: `'${fullNameOf(command)} --help' lists the options`,
    facts: present({ subcommand }),
  };
  const what = first.startsWith('--') ? (/^\S+ and /u.test(first) ? 'Options ' : 'Option ') : '';
  return problems.length === 1
    ? new UsageError(`${what}${first}`, options)
    : new UsageError(`${problems.length} arguments are wrong`, { ...options, complaints: problems });
}

function fullNameOf(command: Command): string {
  return command.parent === null ? command.name() : `${fullNameOf(command.parent)} ${command.name()}`;
}
