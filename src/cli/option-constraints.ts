import type { Command, OptionValues } from 'commander';

type Check = (values: OptionValues) => readonly string[];

const groups = new WeakMap<Command, (readonly string[])[]>();
const defaults = new WeakMap<Command, Command>();
const checks = new WeakMap<Command, Check>();

/** Declares that at most one of these options of a command may be given. @param names long forms, e.g. `--why` */
export function markExclusive(command: Command, names: readonly string[]): void {
  groups.set(command, [...exclusiveOptionsOf(command), names]);
}

/** The groups of options of which at most one may be given, by their long forms. */
export function exclusiveOptionsOf(command: Command): readonly (readonly string[])[] {
  return groups.get(command) ?? [];
}

/**
 * Declares how the options of a command are checked together, and lists as a whole.
 *
 * @param check gets all options but those with wrong values; returns a line for each problem, the name of the option first
 */
export function putOptionCheck(command: Command, check: Check): void {
  checks.set(command, check);
}

/** The check of {@link putOptionCheck}; without one, nothing is wrong. */
export function optionCheckOf(command: Command): Check {
  return checks.get(command) ?? (() => []);
}

/** Declares which subcommand is meant where none is named; its options may then stand alone. */
export function putDefaultCommand(program: Command, subcommand: Command): void {
  defaults.set(program, subcommand);
}

/** The subcommand of {@link putDefaultCommand}. */
export function defaultCommandOf(program: Command): Command | undefined {
  return defaults.get(program);
}
