/**
 * A text that can do nothing to a terminal: line breaks and tabs are spaces, and any other control character, also one
 * that turns the direction of writing, is `�`.
 */
export function withoutControls(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}
