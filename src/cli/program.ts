import { Command, CommanderError } from 'commander';

import { UsageError } from '#model/errors.ts';

import packageFacts from '../../package.json' with { type: 'json' };
import { expandPrefixes } from './expand-prefixes.ts';
import { writeOutput } from './output.ts';
import { withoutRepeated } from './without-repeated.ts';

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
  for (const command of [program, ...subcommandsOf(program)]) {
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
    const words = withoutRepeated(expandPrefixes(argv, knownOptionsOf(program, argv)), manyValuedOptionsOf(program));
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

function subcommandsOf(command: Command): readonly Command[] {
  return command.commands.flatMap((subcommand) => [subcommand, ...subcommandsOf(subcommand)]);
}

/** The long options of the program and of the subcommands that are named on the command line. */
function knownOptionsOf(program: Command, argv: readonly string[]): readonly string[] {
  const named = subcommandsOf(program).filter(
    (command) => argv.includes(command.name()) || command.aliases().some((alias) => argv.includes(alias)),
  );
  return ['--help', ...[program, ...named].flatMap(({ options }) => options.flatMap(({ long }) => long ?? []))];
}

/** All spellings of each option that takes several values. */
function manyValuedOptionsOf(program: Command): readonly (readonly string[])[] {
  return [program, ...subcommandsOf(program)]
    .flatMap(({ options }) => options)
    .filter(({ variadic }) => variadic)
    .map(({ short, long }) => [short ?? [], long ?? []].flat());
}

function usageErrorOf(error: CommanderError, command: Command): UsageError {
  const text = error.message.replace(/^error: /u, '').replaceAll('\n', ' ');
  const message = error.code === 'commander.help' ? 'A subcommand is missing' : toSentence(text);
  return new UsageError(message, {
    code: error.code.replace('commander.', 'usage-'),
    advice: `'${fullNameOf(command)} --help' lists the options`,
  });
}

function fullNameOf(command: Command): string {
  return command.parent === null ? command.name() : `${fullNameOf(command.parent)} ${command.name()}`;
}

function toSentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
