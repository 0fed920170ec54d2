import { Command, CommanderError } from 'commander';

import { UsageError } from '#model/errors.ts';

import packageFacts from '../../package.json' with { type: 'json' };
import { expandPrefixes } from './expand-prefixes.ts';
import { keepLast } from './keep-last.ts';
import { writeOutput } from './output.ts';

/**
 * Makes the option parser of a command, with `--help`, `--version` and `--debug`; the command adds its own options,
 * subcommands and actions, and hands it to {@link parseProgram}.
 */
export function makeProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(packageFacts.version)
    .option('--debug', 'on an error, show where it came from')
    .configureHelp({ showGlobalOptions: true });
}

/**
 * Parses the arguments and runs the program's action. Long options may be given by an unambiguous beginning.
 *
 * @param argv arguments after the name of the command
 * @returns false after `--help` or `--version`: there is nothing more to do, no action was run
 * @throws UsageError for options that make no sense; and what the action throws
 */
export async function parseProgram(program: Command, argv: readonly string[]): Promise<boolean> {
  const pending: Promise<unknown>[] = [];
  let failing = program;
  for (const command of [program, ...allSubcommands(program)]) {
    command.exitOverride((error) => {
      failing = command;
      throw error;
    });
    command.configureOutput({
      writeOut: (text) => pending.push(writeOutput(text)),
      writeErr: () => undefined,
    });
  }
  try {
    const words = keepLast(expandPrefixes(argv, knownOptions(program, argv)), manyValuedOptions(program));
    await program.parseAsync([...words], { from: 'user' });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageErrorOf(error, failing);
    return false;
  } finally {
    await Promise.all(pending);
  }
}

function allSubcommands(command: Command): readonly Command[] {
  return command.commands.flatMap((subcommand) => [subcommand, ...allSubcommands(subcommand)]);
}

/** The long options of the program and of the subcommands that are named on the command line. */
function knownOptions(program: Command, argv: readonly string[]): readonly string[] {
  const named = allSubcommands(program).filter(
    (command) => argv.includes(command.name()) || command.aliases().some((alias) => argv.includes(alias)),
  );
  return ['--help', ...[program, ...named].flatMap(({ options }) => options.flatMap(({ long }) => long ?? []))];
}

/** All spellings of each option that takes several values. */
function manyValuedOptions(program: Command): readonly (readonly string[])[] {
  return [program, ...allSubcommands(program)]
    .flatMap(({ options }) => options)
    .filter(({ variadic }) => variadic)
    .map(({ short, long }) => [short ?? [], long ?? []].flat());
}

function usageErrorOf(error: CommanderError, command: Command): UsageError {
  const text = error.message.replace(/^error: /u, '').replaceAll('\n', ' ');
  const message = error.code === 'commander.help' ? 'A subcommand is missing' : sentence(text);
  return new UsageError(message, {
    code: error.code.replace('commander.', 'usage-'),
    advice: `'${fullName(command)} --help' lists the options`,
  });
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
