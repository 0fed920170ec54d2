/**
 * Makes a text safe for a terminal: line breaks and tabs become spaces, and other control characters, including those that
 * change the direction of writing, become `�`.
 */
export function withoutControls(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}
