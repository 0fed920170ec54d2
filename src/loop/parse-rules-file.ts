/**
 * Parses a list of rules, one per line. A `#` at the beginning of a line or after a space starts a comment; lines without
 * a name are ignored.
 *
 * @returns names in order, each once
 */
export function parseRulesFile(text: string): readonly string[] {
  const names = text
    .split(/\r?\n/u)
    .map((line) => line.replace(/(?:^|\s)#.*$/u, '').trim())
    .filter((name) => name !== '');
  return [...new Set(names)];
}
