/** Splits a comma list of a submit command; `""` and nothing are the empty list. */
export function parseList(text: string | undefined): readonly string[] {
  if (text === undefined || text.trim() === '""') return [];
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
