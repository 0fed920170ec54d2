/**
 * Parses the submit command `environment`: `"A=1 B='x y' C='it''s'"` in double quotes, or the old form `A=1;B=x y`.
 *
 * @see https://htcondor.readthedocs.io, condor_submit, `environment`
 */
export function parseEnvironment(text: string): Readonly<Record<string, string>> {
  const trimmed = text.trim();
  const isNewForm = trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"');
  const assignments = isNewForm
    ? (
        trimmed
          .slice(1, -1)
          .replaceAll('""', '"')
          .match(/(?:[^\s']|'(?:[^']|'')*')+/gu) ?? []
      ).map(withoutQuotes)
    : trimmed.split(';');
  return Object.fromEntries(
    assignments.flatMap((assignment) => {
      const equals = assignment.indexOf('=');
      return equals < 1 ? [] : [[assignment.slice(0, equals).trim(), assignment.slice(equals + 1)]];
    }),
  );
}

function withoutQuotes(word: string): string {
  return word.replaceAll(/'((?:[^']|'')*)'/gu, (_, inner: string) => inner.replaceAll("''", "'"));
}
