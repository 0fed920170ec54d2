/** Macros that are left to condor, what it alone knows and what it asks the machine for; or dollars that are themselves. */
const dollars = /(\$\$\(|\$\((?:ClusterId|ProcId)\))|\$\$|\$/giu;

/**
 * Keeps condor from expanding a finished text again: every `$` is written as a macro that means it, but for
 * `$(ClusterId)`, `$(ProcId)` and `$$(…)`. Also one that begins nothing: in a row, `a$ b` would become
 * `a$$(slurp_blank)b`, and `$$(…)` is looked up in the machine when the job starts.
 *
 * Measured on 23.9: a `$INT(…)` of a text that is not a number makes the schedd die when it materializes the job, and again
 * at each of its starts. Of two `$(DOLLAR)` side by side the second is read as `$$(DOLLAR)`, so a pair has a macro of its
 * own, which stays in the job's ad and becomes `$$` when the job starts.
 */
export function escapeDollars(text: string): string {
  if (!text.includes('$')) return text;
  return text.replaceAll(dollars, (found: string, macro: string | undefined) => {
    if (macro !== undefined) return macro;
    return found === '$' ? '$(DOLLAR)' : '$$(DOLLARDOLLAR)';
  });
}

/** Keeps a backslash at the end of a line from joining it with the next. */
export function closeLine(text: string): string {
  return text.endsWith('\\') ? `${text}$(slurp_empty)` : text;
}

/**
 * Writes a protected value as one field of an item row. condor_submit divides rows at spaces and commas, and passes over
 * what is empty, so these are macros, which {@link fieldMacros} define.
 */
export function encodeField(text: string): string {
  if (text === '') return '$(slurp_empty)';
  const field = /[ \t,]/u.test(text)
    ? text.replaceAll(/[ \t]/gu, '$(slurp_blank)').replaceAll(',', '$(slurp_comma)')
    : text;
  return closeLine(field);
}

/** What {@link encodeField} was given; a tab has become a space. */
export function decodeField(field: string): string {
  if (!field.includes('$(slurp_')) return field;
  return field.replaceAll('$(slurp_blank)', ' ').replaceAll('$(slurp_comma)', ',').replaceAll('$(slurp_empty)', '');
}

/** Definitions for {@link encodeField} and {@link closeLine}; `slurp_empty` is defined by not being there. */
export const fieldMacros: readonly string[] = [
  'slurp_words = a b',
  'slurp_blank = $SUBSTR(slurp_words,1,1)',
  'slurp_comma = ,',
];

/**
 * Writes arguments in condor's old form, in which `"` alone needs a backslash; nothing at all has to be said in the new
 * form, else a job would get the arguments of the first.
 */
export function encodeArguments(text: string): string {
  return text.trim() === '' ? '""' : text.replaceAll('"', String.raw`\"`);
}

/** Writes variables in condor's new form of `environment`. */
export function encodeEnvironment(variables: Readonly<Record<string, string>>): string {
  const words = Object.entries(variables).map(([name, value]) => {
    const word = `${name}=${value}`.replaceAll('"', '""');
    return /[\s']/u.test(word) ? `'${word.replaceAll("'", "''")}'` : word;
  });
  return `"${words.join(' ')}"`;
}

/**
 * Turns a ClassAd string into the form that condor_submit reads: there a backslash is itself, unless a quote follows that
 * does not end the string. Other expressions stay as they are.
 */
export function encodeExpression(text: string): string {
  const inner = /^"((?:[^"\\]|\\.)*)"$/su.exec(text.trim())?.[1];
  if (inner?.includes('\\\\') !== true) return text;
  return `"${inner.replaceAll(/\\(.)/gsu, (pair, next: string) => (next === '\\' ? '\\' : pair))}"`;
}
