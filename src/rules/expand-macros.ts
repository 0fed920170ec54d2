import { RuleError } from '#model/errors.ts';
import { assertPresent } from '#util/assert-present.ts';
import { isIntegerExpression, parseIntegerExpression } from '#util/text/integer-expression.ts';

import { parseMacros } from './text/macro-syntax.ts';
import { makeNumberPrinter } from './text/number-format.ts';

import type { Macro, MacroToken } from './text/macro-syntax.ts';

/** What a macro `$(name)` stands for. */
export type MacroMeaning<Row> =
  /** The same for all jobs; not looked through again. */
  | { readonly kind: 'constant'; readonly text: string }
  /** A text in which macros are expanded in their turn. */
  | { readonly kind: 'template'; readonly text: string }
  /**
   * A job's own value; not looked through again. Undefined or empty: absent, and a `:default` applies, or before it
   * `otherwise`, a text in which macros are expanded. `isUncertain`: whether rows have it is not known yet.
   */
  | {
      readonly kind: 'value';
      readonly read: (row: Row) => string | undefined;
      readonly otherwise?: string;
      readonly isUncertain?: true;
    };

/** Finds a macro by its name in lower case; undefined where nothing provides it: it is empty, as with HTCondor. */
export type FindMacro<Row> = (name: string) => MacroMeaning<Row> | undefined;

/** Something odd in a template; it is expanded all the same. */
export interface MacroProblem extends Macro {
  readonly kind: 'unprovided' | 'uncertain' | 'left-to-batch' | 'malformed' | 'cycle';
  /** The name in lower case, where it is about a name. */
  readonly name?: string;
}

/** A text with numbers of slots between its constant stretches: `texts[0] slot[0] texts[1] …`. */
export interface Template {
  readonly texts: readonly string[];
  readonly slots: readonly number[];
}

/** A set of templates that share their slots, so that each value of a job is worked out once. */
export interface MacroProgram<Row> {
  /** Compiles one text. */
  compile(text: string, complain?: (problem: MacroProblem) => void): Template;
  /** Works out all slots for one job. @throws RuleError where `$INT` or `$REAL` is given what is not a number */
  evaluate(row: Row): readonly string[];
}

/** Joins a template with the slots of one job. */
export function renderTemplate(template: Template, values: readonly string[]): string {
  const { texts, slots } = template;
  let text = assertPresent(texts[0], 'the text of a template');
  for (let index = 0; index < slots.length; index++) {
    const slot = assertPresent(slots[index], 'a slot');
    text +=
      assertPresent(values[slot], 'the value of a slot') + assertPresent(texts[index + 1], 'the text behind a slot');
  }
  return text;
}

/** Names that the batch system alone knows, and how they are handed on. */
const batchMacros: ReadonlyMap<string, string> = new Map([
  ['cluster', '$(ClusterId)'],
  ['clusterid', '$(ClusterId)'],
  ['process', '$(ProcId)'],
  ['procid', '$(ProcId)'],
]);

/** A piece of a template while it is compiled: a constant text, or the number of a slot. */
type Part = string | number;
type SlotReader<Row> = (row: Row, values: readonly string[]) => string;
type Complain = (problem: MacroProblem) => void;

function templateOf(parts: readonly Part[]): Template {
  const texts = [''];
  const slots: number[] = [];
  for (const part of parts) {
    if (typeof part === 'number') {
      slots.push(part);
      texts.push('');
    } else texts.push(assertPresent(texts.pop(), 'the last text') + part);
  }
  return { texts, slots };
}

/**
 * Begins a program of templates with HTCondor's macros: `$(name)`, `$(name:default)`, `$INT(name,%08i)`,
 * `$REAL(name,%.2f)`, and `$$([$(run)/100])` where it is whole-number arithmetic. `$(ClusterId)`, `$(ProcId)`, all other
 * `$$(…)` and functions that only HTCondor has are left as they are. Names are looked up without regard to case.
 */
export function makeMacroProgram<Row>(find: FindMacro<Row>): MacroProgram<Row> {
  const readers: SlotReader<Row>[] = [];
  const known = new Map<string, readonly Part[]>();
  const open = new Set<string>();
  const slot = (read: SlotReader<Row>): number => readers.push(read) - 1;

  /** Parts that were made before under this key, or new ones. */
  const once = (key: string, make: () => readonly Part[]): readonly Part[] => {
    const parts = known.get(key) ?? make();
    known.set(key, parts);
    return parts;
  };

  /** The joined parts: a text where they are constant, else a reader. */
  const joined = (parts: readonly Part[]): string | SlotReader<Row> => {
    const template = templateOf(parts);
    if (template.slots.length === 0) return assertPresent(template.texts[0], 'the text of a template');
    return (_row, values) => renderTemplate(template, values);
  };

  const orElse = (parts: readonly Part[], instead: readonly Part[]): readonly Part[] => {
    const whole = joined(parts);
    if (typeof whole === 'string') return whole === '' ? instead : [whole];
    const other = joined(instead);
    const otherOf: SlotReader<Row> = typeof other === 'string' ? () => other : other;
    return [slot((row, values) => whole(row, values) || otherOf(row, values))];
  };

  const meant = (meaning: MacroMeaning<Row>, name: string, complain: Complain, at: Macro): readonly Part[] => {
    if (meaning.kind === 'constant') return [meaning.text];
    const own = meaning.kind === 'value' ? [slot((row) => meaning.read(row) ?? '')] : undefined;
    const text = meaning.kind === 'template' ? meaning.text : meaning.otherwise;
    if (text === undefined) return own ?? [];
    open.add(name);
    // Of what is odd inside, only a cycle is reported here: the rest is reported where that text is compiled itself.
    const inner = (problem: MacroProblem): void =>
      problem.kind === 'cycle' ? complain({ ...problem, ...at }) : undefined;
    const whole = joined(partsOf(parseMacros(text), inner));
    open.delete(name);
    const parts = [typeof whole === 'string' ? whole : slot(whole)];
    return own === undefined ? parts : orElse(own, parts);
  };

  const named = (token: MacroToken & { readonly kind: 'named' }, complain: Complain): readonly Part[] => {
    const { name, fallback, macro, offset } = token;
    const at = { macro, offset };
    const left = batchMacros.get(name);
    if (left !== undefined) return [left];
    const meaning = find(name);
    const isCycle = open.has(name);
    const instead = fallback === undefined ? undefined : partsOf(fallback, complain);
    if (meaning === undefined || isCycle) {
      if (instead === undefined || isCycle) complain({ ...at, kind: isCycle ? 'cycle' : 'unprovided', name });
      return instead ?? [];
    }
    const isUncertain = meaning.kind === 'value' && meaning.isUncertain === true;
    if (isUncertain && instead === undefined) complain({ ...at, kind: 'uncertain', name });
    const parts = once(name, () => meant(meaning, name, complain, at));
    return instead === undefined ? parts : orElse(parts, instead);
  };

  const number = (token: MacroToken & { readonly kind: 'number' }, complain: Complain): readonly Part[] => {
    const { item, format, macro } = token;
    const whole = joined(partsOf(item, complain));
    const print = makeNumberPrinter(format);
    if (typeof whole !== 'string')
      return once(macro, () => [slot((row, values) => formatText(whole(row, values), print, macro))]);
    if (toNumber(whole) !== undefined) return [formatText(whole, print, macro)];
    if (whole !== '') complain({ macro, offset: token.offset, kind: 'malformed' });
    return [];
  };

  /** Arithmetic is worked out, anything else is the batch system's. */
  const expression = (token: MacroToken & { readonly kind: 'expression' }, complain: Complain): readonly Part[] => {
    const parts = partsOf(token.body, complain);
    const shape = parts.map((part) => (typeof part === 'number' ? '1' : part)).join('');
    const whole = joined(parts);
    if (!isIntegerExpression(shape)) return ['$$([', ...parts, '])'];
    if (typeof whole === 'string') return [expandExpression(whole)];
    return once(token.macro, () => [slot((row, values) => expandExpression(whole(row, values)))]);
  };

  const partsOf = (tokens: readonly MacroToken[], complain: Complain): readonly Part[] =>
    tokens.flatMap((token): readonly Part[] => {
      switch (token.kind) {
        case 'text':
          return [token.text];
        case 'named':
          return named(token, complain);
        case 'number':
          return number(token, complain);
        case 'expression':
          return expression(token, complain);
        case 'left-to-batch':
        case 'malformed':
          complain({ kind: token.kind, macro: token.macro, offset: token.offset });
          return [token.macro];
      }
    });

  return {
    compile: (text, complain = () => undefined) => templateOf(partsOf(parseMacros(text), complain)),
    evaluate: (row) => {
      const values: string[] = [];
      for (const read of readers) values.push(read(row, values));
      return values;
    },
  };
}

function toNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text)) return Number(text);
  return isIntegerExpression(text) ? parseIntegerExpression(text) : undefined;
}

function formatText(text: string, print: (value: number) => string, macro: string): string {
  const value = toNumber(text);
  if (value !== undefined) return print(value);
  throw new RuleError(`'${macro}' needs a number, but the value is '${text}'`, {
    code: 'macro-not-a-number',
    facts: { macro, value: text },
    advice: 'Make the query return a whole number in that column for every row',
  });
}

/** What cannot be worked out, such as a division by zero, is left to the batch system. */
function expandExpression(text: string): string {
  const value = parseIntegerExpression(text);
  return value === undefined ? `$$([${text}])` : String(value);
}
