/** What a text may look like at a terminal. */
export type Style = 'bold' | 'red' | 'green' | 'yellow';

const codes: Readonly<Record<Style, number>> = { bold: 1, red: 31, green: 32, yellow: 33 };

/** Returns whether colours may be sent to a stream: it is a terminal, and NO_COLOR is not set. */
export function isColoured(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
}

/** Returns whether stdout shows colours. */
export function isOutputColoured(): boolean {
  return isColoured(process.stdout);
}

/** The text as a terminal shows it in a style. */
export function withStyle(text: string, style: Style): string {
  return `\u001B[${codes[style]}m${text}\u001B[0m`;
}
