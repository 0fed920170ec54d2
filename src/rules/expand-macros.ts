import { RuleError } from '#model/errors.ts';
import { computeInteger, isIntegerExpression } from './text/integer-expression.ts';
import { makeNumberPrinter, parseNumberFormat } from './text/printf.ts';

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
export interface MacroProblem {
  /** In the text that was compiled. */
  readonly offset: number;
  readonly kind: 'unprovided' | 'uncertain' | 'left-to-batch' | 'malformed' | 'cycle';
  /** The macro as written. */
  readonly macro: string;
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
  /** Compiles one text; problems are told once each. */
  compile(text: string, complain?: (problem: MacroProblem) => void): Template;
  /** Works out all slots for one job. @throws RuleError where `$INT` or `$REAL` is given what is no number */
  evaluate(row: Row): readonly string[];
}

/** Joins a template with the slots of one job. */
export function renderTemplate(template: Template, values: readonly string[]): string {
  const { texts, slots } = template;
  let text = texts[0] ?? '';
  for (let index = 0; index < slots.length; index++) text += (values[slots[index] ?? -1] ?? '') + (texts[index + 1] ?? '');
  return text;
}

/** Names that the batch system alone knows, and how they are handed on. */
const batchMacros: ReadonlyMap<string, string> = new Map([
  ['cluster', '$(ClusterId)'],
  ['clusterid', '$(ClusterId)'],
  ['process', '$(ProcId)'],
  ['procid', '$(ProcId)'],
]);

/** Offset behind the bracket that closes the one at `open`; -1 where none does. */
function endOfBracket(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

/** A piece of a template while it is compiled. */
type Part = string | number;

type SlotReader<Row> = (row: Row, values: readonly string[]) => string;

/**
 * Begins a program of templates with HTCondor's macros: `$(name)`, `$(name:default)`, `$INT(name,%08i)`,
 * `$REAL(name,%.2f)`, and `$$([$(run)/100])` where it is whole-number arithmetic. `$(ClusterId)`, `$(ProcId)`, all other
 * `$$(…)` and functions that only HTCondor has are left as they are. Names are looked up without regard to case.
 */
export function makeMacroProgram<Row>(find: FindMacro<Row>): MacroProgram<Row> {
  const readers: SlotReader<Row>[] = [];
  const known = new Map<string, readonly Part[]>();
  const open = new Set<string>();

  const isUncertain = (name: string): boolean => {
    const meaning = find(name);
    return meaning?.kind === 'value' && meaning.isUncertain === true;
  };

  const slot = (read: SlotReader<Row>): number => readers.push(read) - 1;

  const templateOf = (parts: readonly Part[]): Template => {
    const texts = [''];
    const slots: number[] = [];
    for (const part of parts) {
      if (typeof part === 'number') {
        slots.push(part);
        texts.push('');
      } else texts.push((texts.pop() ?? '') + part);
    }
    return { texts, slots };
  };

  /** A reader of the joined parts; a constant text where there is nothing to read. */
  const joined = (parts: readonly Part[]): string | SlotReader<Row> => {
    const template = templateOf(parts);
    if (template.slots.length === 0) return template.texts[0] ?? '';
    return (_row, values) => renderTemplate(template, values);
  };

  const partsOfMacro = (name: string, onCycle: () => void): readonly Part[] | 'unprovided' | 'cycle' => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const meaning = find(name);
    if (meaning === undefined) return 'unprovided';
    if (open.has(name)) return 'cycle';
    const parts = partsOfMeaning(name, meaning, onCycle);
    known.set(name, parts);
    return parts;
  };

  const partsOfMeaning = (name: string, meaning: MacroMeaning<Row>, onCycle: () => void): readonly Part[] => {
    if (meaning.kind === 'constant') return [meaning.text];
    const own = meaning.kind === 'value' ? [slot((row) => meaning.read(row) ?? '')] : undefined;
    const text = meaning.kind === 'template' ? meaning.text : meaning.otherwise;
    if (text === undefined) return own ?? [];
    open.add(name);
    const whole = joined(partsOf(text, 0, ({ kind }) => (kind === 'cycle' ? onCycle() : undefined)));
    open.delete(name);
    const parts = [typeof whole === 'string' ? whole : slot(whole)];
    return own === undefined ? parts : orElse(own, parts);
  };

  const named = (body: string, offset: number, macro: string, complain: (problem: MacroProblem) => void): readonly Part[] => {
    const fields = /^\s*([A-Za-z0-9_.]+)\s*(?::([\s\S]*))?$/.exec(body);
    const name = fields?.[1]?.toLowerCase();
    if (name === undefined) {
      complain({ offset, kind: 'malformed', macro });
      return [macro];
    }
    if (name === 'dollar') return ['$'];
    const left = batchMacros.get(name);
    if (left !== undefined) return [left];
    const parts = partsOfMacro(name, () => complain({ offset, kind: 'cycle', macro, name }));
    const fallback = fields?.[2];
    if (fallback === undefined) {
      const problem = typeof parts === 'string' ? parts : isUncertain(name) ? 'uncertain' : undefined;
      if (problem !== undefined) complain({ offset, kind: problem, macro, name });
      return typeof parts === 'string' ? [] : parts;
    }
    const instead = partsOf(fallback, offset + macro.length - 1 - fallback.length, complain);
    return typeof parts === 'string' ? instead : orElse(parts, instead);
  };

  const orElse = (parts: readonly Part[], instead: readonly Part[]): readonly Part[] => {
    const whole = joined(parts);
    if (typeof whole === 'string') return whole === '' ? instead : [whole];
    const other = joined(instead);
    return [
      slot((row, values) => {
        const text = whole(row, values);
        if (text !== '') return text;
        return typeof other === 'string' ? other : other(row, values);
      }),
    ];
  };

  const number = (body: string, macro: string, offset: number, complain: (problem: MacroProblem) => void): readonly Part[] => {
    const kind = macro.startsWith('$INT') ? 'integer' : 'real';
    const [, item = '', formatText = ''] = /^([^,]*)(?:,\s*([\s\S]*))?$/.exec(body) ?? [];
    const format = parseNumberFormat(formatText === '' ? (kind === 'integer' ? '%d' : '%.16G') : formatText, kind);
    if (format === undefined) {
      complain({ offset, kind: 'malformed', macro });
      return [macro];
    }
    const print = makeNumberPrinter(format);
    const isName = /^\s*[A-Za-z_][A-Za-z0-9_.]*\s*$/.test(item);
    const key = isName ? `${kind} ${item.trim().toLowerCase()} ${formatText}` : undefined;
    const before = key === undefined ? undefined : known.get(key);
    if (before !== undefined && !isUncertain(item.trim().toLowerCase())) return before;
    const whole = joined(isName ? named(item, offset, macro, complain) : partsOf(item, offset + 5, complain));
    if (typeof whole === 'string') {
      if (toNumber(whole) === undefined) {
        if (whole !== '') complain({ offset, kind: 'malformed', macro });
        return [''];
      }
      return [printText(whole, print, macro)];
    }
    const parts = [slot((row, values) => printText(whole(row, values), print, macro))];
    if (key !== undefined) known.set(key, parts);
    return parts;
  };

  /** `$$([…])`: arithmetic is worked out, anything else is the batch system's. */
  const expression = (body: string, offset: number, complain: (problem: MacroProblem) => void): readonly Part[] => {
    const parts = partsOf(body, offset + 4, complain);
    const shape = parts.map((part) => (typeof part === 'number' ? '1' : part)).join('');
    const whole = joined(parts);
    if (!isIntegerExpression(shape)) return ['$$([', ...parts, '])'];
    if (typeof whole === 'string') return [computeText(whole)];
    const key = `$$([${body}])`;
    const computed = known.get(key) ?? [slot((row, values) => computeText(whole(row, values)))];
    known.set(key, computed);
    return computed;
  };

  /** One macro that begins at `at`, and where it ends; undefined where `$` is only a character. */
  const macroAt = (
    text: string,
    at: number,
    base: number,
    complain: (problem: MacroProblem) => void,
  ): { readonly parts: readonly Part[]; readonly end: number } | undefined => {
    const head = /^(?:\$\$\(|\$([A-Za-z_]*)\()/.exec(text.slice(at, at + 40));
    if (head === null) return undefined;
    const end = endOfBracket(text, at + head[0].length - 1);
    if (end < 0) return undefined;
    const macro = text.slice(at, end);
    const body = macro.slice(head[0].length, -1);
    const offset = base + at;
    if (head[0] === '$$(') {
      const isExpression = body.startsWith('[') && body.endsWith(']');
      return { end, parts: isExpression ? expression(body.slice(1, -1), offset, complain) : [macro] };
    }
    if (head[1] === '') return { end, parts: named(body, offset, macro, complain) };
    if (head[1] === 'INT' || head[1] === 'REAL') return { end, parts: number(body, macro, offset, complain) };
    complain({ offset, kind: 'left-to-batch', macro });
    return { end, parts: [macro] };
  };

  const partsOf = (text: string, base: number, complain: (problem: MacroProblem) => void): readonly Part[] => {
    const parts: Part[] = [];
    let at = 0;
    for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', at)) {
      parts.push(text.slice(at, dollar));
      const macro = macroAt(text, dollar, base, complain);
      parts.push(...(macro?.parts ?? ['$']));
      at = macro?.end ?? dollar + 1;
    }
    parts.push(text.slice(at));
    return parts;
  };

  return {
    compile: (text, complain = () => undefined) => templateOf(partsOf(text, 0, complain)),
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
  return isIntegerExpression(text) ? computeInteger(text) : undefined;
}

function printText(text: string, print: (value: number) => string, macro: string): string {
  const value = toNumber(text);
  if (value !== undefined) return print(value);
  throw new RuleError(`Not a number for '${macro}': '${text}'`, {
    code: 'macro-not-a-number',
    facts: { macro, value: text },
    advice: 'Let the query give a whole number in that column for every row',
  });
}

/** What cannot be worked out, such as a division by zero, is left to the batch system. */
function computeText(text: string): string {
  const value = computeInteger(text);
  return value === undefined ? `$$([${text}])` : String(value);
}
