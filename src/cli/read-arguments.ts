import { InvalidArgumentError, Option } from 'commander';

import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { defaultCommandOf, exclusiveOptionsOf } from './option-constraints.ts';

import type { Argument, Command } from 'commander';

/** A command line in the form that commander understands, and all that is wrong with it. */
export interface ReadArguments {
  /** The innermost command that was named: the program itself or one of its subcommands. */
  readonly command: Command;
  /** Names of subcommands, options in full with their values (`--runs=1 --runs=2`), `--`, arguments. */
  readonly words: readonly string[];
  /** One line each; about an option: its name first. */
  readonly problems: readonly string[];
  /** What was given in place of a subcommand; the rest of the line was not read. */
  readonly unknownSubcommand?: string;
}

/** The option of every command; commander keeps it apart from those that were declared. */
export const helpOption = new Option('-h, --help', 'print this help');

/** An option with its values; without them where they were too few or too many. */
interface Given {
  readonly option: Option;
  readonly values: readonly string[] | undefined;
}

/** What all commands have. */
const commonOptions: ReadonlySet<string> = new Set(['--help', '--version', '--debug']);

interface Found {
  readonly option: Option;
  readonly attached?: string;
}

/**
 * Reads a command line by the rules of Python's argparse, on which existing scripts depend: abbreviated long options,
 * `--name=value`, `-n5`, `-n=5`, `-vn 5`, negative numbers and strings with spaces as values, lists up to the next
 * option, `--`; the last of repeated options counts. Beyond argparse, options of a command may follow its subcommand; an
 * option that the subcommand declares too is the subcommand's.
 *
 * @param argv arguments after the name of the program
 * @returns never throws for what was typed; with `--help` or `--version` everything else is ignored
 * @see docs/decisions/option-parser.md
 */
export function readArguments(program: Command, argv: readonly string[]): ReadArguments {
  const path = [program];
  const given = new Map<string, Given>();
  const operands: string[] = [];
  const problems: string[] = [];
  let command = program;
  let isPlain = false;
  /** How many arguments came before the first unknown option: a later argument may be its value. */
  let certain: number | undefined;

  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--' && !isPlain) {
      isPlain = true;
      continue;
    }
    let found = isPlain ? undefined : findOption(word, path);
    const usual = typeof found === 'string' ? defaultCommandOf(command) : undefined;
    if (usual !== undefined) {
      found = findOption(word, [...path, usual]);
      // The first option that the subcommand has stands for its name.
      if (typeof found !== 'string') putSubcommand(path, (command = usual));
    }
    if (typeof found === 'string') {
      problems.push(found);
      certain ??= operands.length;
    } else if (found !== undefined) {
      const { option } = found;
      if (option.long === '--help' || option.long === '--version') {
        return { command, words: [...namesOf(path.slice(1)), option.long], problems: [] };
      }
      const values = parseValues(word, found, rest, path);
      // A later one counts also for its place: `--submit --no-submit`.
      given.delete(option.attributeName());
      given.set(option.attributeName(), { option, values: typeof values === 'string' ? undefined : values });
      if (typeof values === 'string') problems.push(values);
    } else if (command.commands.length === 0) operands.push(word);
    // `slurp help db` is `slurp db --help`.
    else if (word === 'help') rest.push('--help');
    else {
      const subcommand = findSubcommand(command, word);
      if (subcommand === undefined) {
        problems.push(describeUnknown(`Unknown subcommand '${word}'`, word, shownNamesOf(command)));
        return { command, words: wordsOf(path, given, [word]), problems, unknownSubcommand: word };
      }
      command = subcommand;
      putSubcommand(path, subcommand);
    }
  }

  const usual = defaultCommandOf(command);
  if (usual !== undefined) {
    command = usual;
    putSubcommand(path, usual);
  }
  const wrong = findValueProblems(given);
  problems.push(...[...wrong.values()].flat(), ...findGroupProblems(path, given));
  if (command.commands.length > 0) {
    problems.push(`A subcommand is missing: expected one of ${shownNamesOf(command).join(', ')}`);
  } else {
    problems.push(...findMissingOptions(path, given), ...findOperandProblems(command, operands, certain));
  }
  const valid = new Map([...given].filter(([name]) => !wrong.has(name)));
  return { command, words: wordsOf(path, valid, operands), problems };
}

function namesOf(commands: readonly Command[]): readonly string[] {
  return commands.map((command) => command.name());
}

function shownNamesOf(command: Command): readonly string[] {
  return namesOf(command.createHelp().visibleCommands(command)).filter((name) => name !== 'help');
}

function nameOf(option: Option): string {
  return assertPresent(option.long, 'the long form of an option');
}

function labelOf(option: Option): string {
  return [nameOf(option), option.short].filter((form) => form !== undefined).join('/');
}

function wordsOf(
  path: readonly Command[],
  given: ReadonlyMap<string, Given>,
  operands: readonly string[],
): readonly string[] {
  const words = path.flatMap((command, depth) => [
    ...(depth === 0 ? [] : [command.name()]),
    ...[...given.values()]
      .filter(({ option }) => command.options.includes(option))
      .flatMap(({ option, values }) =>
        values?.length === 0 ? [nameOf(option)] : (values ?? []).map((value) => `${nameOf(option)}=${value}`),
      ),
  ]);
  return [...words, '--', ...operands];
}

function findSubcommand(command: Command, word: string): Command | undefined {
  return command.commands.find((known) => known.name() === word || known.aliases().includes(word));
}

/** What the subcommand declares again takes the place of the option outside. */
function putSubcommand(path: Command[], subcommand: Command): void {
  for (const outer of path.flatMap(({ options }) => options)) {
    if (subcommand.options.some(({ long }) => long === outer.long)) outer.makeOptionMandatory(false).hideHelp();
  }
  path.push(subcommand);
}

/** Innermost first; what all commands have comes last, so that it makes no abbreviation of the original ambiguous. */
function scopesOf(path: readonly Command[]): readonly (readonly Option[])[] {
  const isCommon = ({ long }: Option): boolean => commonOptions.has(long ?? '');
  const own = path.toReversed().map(({ options }) => options.filter((option) => !isCommon(option)));
  return [...own, [...path.flatMap(({ options }) => options.filter(isCommon)), helpOption]];
}

/** @returns undefined for a value; a sentence where the word can be no option and no value */
function findOption(word: string, path: readonly Command[]): Found | string | undefined {
  if (!word.startsWith('-') || word === '-') return undefined;
  const scopes = scopesOf(path);
  const isLong = word.startsWith('--');
  const [, name = word, attached] = (isLong ? /^([^=]*)=(.*)$/su : /^(-.)=?(.+)$/su).exec(word) ?? [];
  const exact = scopes.flat().find(({ long, short }) => name === long || name === short);
  if (exact !== undefined) return { option: exact, ...present({ attached }) };
  for (const scope of isLong ? scopes : []) {
    const [option, ...others] = scope.filter(({ long, hidden }) => !hidden && long?.startsWith(name));
    if (others.length > 0)
      return `Option '${name}' could be ${[option, ...others].map((one) => one?.long).join(' or ')}`;
    if (option !== undefined) return { option, ...present({ attached }) };
  }
  if (/^-\d+$|^-\d*\.\d+$/u.test(word) || word.includes(' ')) return undefined;
  const known = scopes.flat().flatMap(({ long, hidden }) => (hidden ? [] : (long ?? [])));
  const nearest = isLong ? findNearestWord(name, known) : undefined;
  return `Unknown option '${name}'${nearest === undefined ? '' : `: did you mean '${nearest}'?`}`;
}

/** Takes the values of an option off the rest of the line. @returns a sentence where they are too few or too many */
function parseValues(word: string, { option, attached }: Found, rest: string[], path: readonly Command[]) {
  if (!option.required && !option.optional) {
    if (attached === undefined) return [];
    if (word.startsWith('--') || word.includes('=')) return `${labelOf(option)} takes no value`;
    rest.unshift(`-${attached}`);
    return [];
  }
  if (attached !== undefined) return [attached];
  const values: string[] = [];
  const most = option.variadic ? Infinity : 1;
  for (let [next] = rest; next !== undefined && values.length < most; [next] = rest) {
    if (next === '--' || findOption(next, path) !== undefined) break;
    values.push(next);
    rest.shift();
  }
  return option.required && values.length === 0 ? `${labelOf(option)} needs a value` : values;
}

/** What a value stands for, as the help shows it: `rule file` for `--config <rule-file>`. */
function placeholderOf({ flags }: Option): string {
  return (/[<[]([\w-]+)/u.exec(flags)?.[1] ?? 'value').replaceAll('-', ' ');
}

function findValueProblem(target: Option | Argument, value: string): string | undefined {
  const { argChoices, parseArg } = target;
  if (argChoices !== undefined) {
    if (argChoices.includes(value)) return undefined;
    const kind = target instanceof Option ? placeholderOf(target) : target.name().toLowerCase();
    return describeUnknown(`'${value}' is not ${/^[aeiou]/u.test(kind) ? 'an' : 'a'} ${kind}`, value, argChoices);
  }
  try {
    parseArg?.(value, undefined);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
}

/** By the names of the options; those whose values are all right are left out. */
function findValueProblems(given: ReadonlyMap<string, Given>): ReadonlyMap<string, readonly string[]> {
  const found = [...given].map(([name, { option, values = [] }]) => {
    const problems = values.flatMap((value) => findValueProblem(option, value) ?? []);
    return [name, problems.map((problem) => `${nameOf(option)}: ${problem}`)] as const;
  });
  return new Map(found.filter(([, problems]) => problems.length > 0));
}

function describeUnknown(what: string, word: string, known: readonly string[]): string {
  const nearest = findNearestWord(word, known);
  return nearest === undefined ? `${what}: expected one of ${known.join(', ')}` : `${what}: did you mean '${nearest}'?`;
}

function findGroupProblems(path: readonly Command[], given: ReadonlyMap<string, Given>): readonly string[] {
  const names = new Set([...given.values()].map(({ option }) => option.long));
  return path
    .flatMap(exclusiveOptionsOf)
    .map((group) => group.filter((name) => names.has(name)))
    .filter((present) => present.length > 1)
    .map((present) => `${present.join(' and ')}: use only one of them`);
}

function findMissingOptions(path: readonly Command[], given: ReadonlyMap<string, Given>): readonly string[] {
  return path
    .flatMap(({ options }) => options)
    .filter((option) => option.mandatory && option.defaultValue === undefined && !given.has(option.attributeName()))
    .map((option) => `${labelOf(option)} is missing: name a ${placeholderOf(option)}`);
}

function findOperandProblems(
  command: Command,
  operands: readonly string[],
  certain: number = operands.length,
): readonly string[] {
  const known = command.registeredArguments;
  const missing = known.slice(operands.length).filter(({ required }) => required);
  const problems = missing.map((argument) => `Argument ${argument.name()} is missing`);
  for (const [index, operand] of operands.slice(0, certain).entries()) {
    const argument = known[index] ?? known.findLast(({ variadic }) => variadic);
    const problem = argument === undefined ? undefined : findValueProblem(argument, operand);
    if (problem !== undefined) problems.push(`Argument ${argument?.name()}: ${problem}`);
  }
  const excess = known.at(-1)?.variadic === true ? [] : operands.slice(known.length, certain);
  if (excess.length > 0) problems.push(`Unexpected argument '${excess.join(' ')}'`);
  return problems;
}
