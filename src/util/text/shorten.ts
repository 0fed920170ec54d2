/**
 * A text as one line, cut to a length, with `…` for what is cut off; spaces and line breaks become single spaces.
 *
 * @param atMost characters, with the `…`; a letter of any script counts as one
 */
export function shorten(text: string, atMost: number): string {
  const letters = [...text.replaceAll(/\s+/gu, ' ').trim()];
  return letters.length <= atMost ? letters.join('') : `${letters.slice(0, atMost - 1).join('')}…`;
}
