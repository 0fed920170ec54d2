import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';

/** An option as the parser, the help and the completion of prefixes know it. */
export interface OptionSpec {
  /** All its spellings with their dashes; the first is the key of its values. */
  readonly names: readonly string[];
  /** `many` takes what follows up to the next option; the others stand for themselves or for one value. */
  readonly takes: 'nothing' | 'one' | 'many';
  readonly choices?: readonly string[];
  readonly isRequired?: boolean;
  /** One sentence for the help; absent: the option is not shown. */
  readonly help?: string;
}

/** What a subcommand accepts: its options and positional arguments, and its line in the help. */
export interface CommandSpec {
  readonly help?: string;
  readonly options: readonly OptionSpec[];
  /** Names of its positional arguments, all needed. */
  readonly positionals: readonly string[];
  /** Names of further ones that may be given. */
  readonly optionalPositionals?: readonly string[];
  /** Options of the command as a whole that it does not require here, by their first names. */
  readonly notRequired?: readonly string[];
}

/** What was found on a command line, or the first thing that is wrong with it. */
export type ParsedArguments =
  | {
      readonly kind: 'parsed';
      /** Absent: no subcommand was given. */
      readonly command?: string;
      /** By the first name of the option; the last one given wins; flags have no values. */
      readonly options: ReadonlyMap<string, readonly string[]>;
      readonly positionals: readonly string[];
    }
  | { readonly kind: 'help'; readonly command?: string }
  | { readonly kind: 'complaint'; readonly message: string; readonly command?: string };

type Meaning =
  | { readonly kind: 'value' }
  | { readonly kind: 'option'; readonly option: OptionSpec; readonly attached?: string }
  | { readonly kind: 'complaint'; readonly message: string };

/**
 * Parses a command line with subcommands as Python's argparse does, on which years of scripts depend: long options by
 * any unambiguous beginning, `--name=value`, `-n5`, `-vn 5`, negative numbers and texts with spaces as values, `--`.
 * Beyond argparse, the options of the command may also follow the subcommand.
 *
 * @param argv arguments after the name of the program
 * @returns never throws; required options are looked for only once a subcommand was given
 */
export function parseArguments(
  argv: readonly string[],
  globalOptions: readonly OptionSpec[],
  commands: ReadonlyMap<string, CommandSpec>,
): ParsedArguments {
  const options = new Map<string, readonly string[]>();
  const positionals: string[] = [];
  let command: string | undefined;
  let spec: CommandSpec | undefined;
  let scopes: readonly (readonly OptionSpec[])[] = [globalOptions];
  const complain = (message: string): ParsedArguments => ({
    kind: 'complaint',
    message,
    ...present({ command }),
  });

  const rest = [...argv];
  let isPlain = false;
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--' && !isPlain) {
      isPlain = true;
      continue;
    }
    const meaning: Meaning = isPlain ? { kind: 'value' } : meaningOf(argument, scopes);
    if (meaning.kind === 'complaint') return complain(meaning.message);
    if (meaning.kind === 'value') {
      if (command !== undefined) positionals.push(argument);
      else {
        spec = commands.get(argument);
        if (spec === undefined) return complain(describeUnknown('subcommand', argument, [...commands.keys()]));
        command = argument;
        scopes = [spec.options, globalOptions];
      }
      continue;
    }
    if (meaning.option.names.includes('--help')) return { kind: 'help', ...present({ command }) };
    const taken = parseValues(argument, meaning.option, meaning.attached, rest, scopes);
    if (typeof taken === 'string') return complain(taken);
    options.set(keyOf(meaning.option), taken);
  }

  if (spec === undefined) return { kind: 'parsed', options, positionals };
  const missing = [...globalOptions, ...spec.options]
    .filter((option) => option.isRequired === true && !options.has(keyOf(option)))
    .filter((option) => !(spec.notRequired ?? []).includes(keyOf(option)))
    .map(({ names }) => names.join('/'));
  missing.push(...spec.positionals.slice(positionals.length));
  if (missing.length > 0) return complain(`Missing arguments: ${missing.join(', ')}`);
  const excess = positionals.slice(spec.positionals.length + (spec.optionalPositionals?.length ?? 0));
  if (excess.length > 0) return complain(`Unexpected argument '${excess.join(' ')}'`);
  return { kind: 'parsed', options, positionals, ...present({ command }) };
}

function keyOf(option: OptionSpec): string {
  return assertPresent(option.names[0], 'the name of an option');
}

function describeUnknown(kind: string, word: string, known: readonly string[]): string {
  return `Unknown ${kind} '${word}': expected one of ${known.join(', ')}`;
}

/** Returns whether a word is a value or an option; options of the inner scope win over those of the outer. */
function meaningOf(argument: string, scopes: readonly (readonly OptionSpec[])[]): Meaning {
  if (!argument.startsWith('-') || argument === '-') return { kind: 'value' };
  for (const scope of scopes) {
    const exact = scope.find(({ names }) => names.includes(argument));
    if (exact !== undefined) return { kind: 'option', option: exact };
  }
  const [, name = argument, attached] = /^([^=]*)=(.*)$/su.exec(argument) ?? [];
  for (const scope of scopes) {
    const found = argument.startsWith('--')
      ? optionsByBeginning(name, scope)
      : optionsByShortName(argument, name, scope);
    if (found.length > 1) {
      const candidates = found.map(({ names }) => names.find((known) => known.startsWith(name)) ?? '');
      return { kind: 'complaint', message: `Option '${name}' could be ${candidates.join(' or ')}` };
    }
    const [option] = found;
    if (option === undefined) continue;
    if (argument.startsWith('--') || option.names.includes(name)) {
      return { kind: 'option', option, ...present({ attached }) };
    }
    return { kind: 'option', option, attached: argument.slice(2) };
  }
  if (/^-\d+$|^-\d*\.\d+$/u.test(argument) || argument.includes(' ')) return { kind: 'value' };
  return { kind: 'complaint', message: `Unknown option '${name}'` };
}

function optionsByBeginning(name: string, scope: readonly OptionSpec[]): readonly OptionSpec[] {
  const exact = scope.filter(({ names }) => names.includes(name));
  return exact.length > 0 ? exact : scope.filter(({ names }) => names.some((known) => known.startsWith(name)));
}

function optionsByShortName(argument: string, name: string, scope: readonly OptionSpec[]): readonly OptionSpec[] {
  return scope.filter(({ names }) => names.includes(name) || names.includes(argument.slice(0, 2)));
}

/** Takes the values of an option off the rest of the line; a text is what is wrong. */
function parseValues(
  argument: string,
  option: OptionSpec,
  attached: string | undefined,
  rest: string[],
  scopes: readonly (readonly OptionSpec[])[],
): readonly string[] | string {
  const shown = option.names.join('/');
  if (option.takes === 'nothing') {
    if (attached === undefined) return [];
    if (argument.startsWith('--') || argument.includes('=')) return `Option ${shown} takes no value`;
    rest.unshift(`-${attached}`);
    return [];
  }
  const isValue = (word: string | undefined): word is string =>
    word !== undefined && word !== '--' && meaningOf(word, scopes).kind === 'value';
  const values: string[] = [];
  if (attached !== undefined) values.push(attached);
  else if (option.takes === 'one') {
    const next = rest[0];
    if (!isValue(next)) return `Option ${shown} needs a value`;
    values.push(next);
    rest.shift();
  } else {
    for (let next = rest[0]; isValue(next); next = rest[0]) {
      values.push(next);
      rest.shift();
    }
  }
  const { choices } = option;
  const wrong = choices === undefined ? undefined : values.find((value) => !choices.includes(value));
  return wrong === undefined ? values : describeUnknown(`value of ${shown}`, wrong, choices ?? []);
}
