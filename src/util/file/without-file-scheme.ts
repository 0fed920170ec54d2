/**
 * Strips `file:` from the address of a file or directory: `file:///a`, `file://a` and `file:/a` → `/a`; `file://./a` and
 * `file:a` stay relative: `./a`, `a`. Anything else is returned as it is.
 */
export function withoutFileScheme(text: string): string {
  return text.replace(/^file:(?:\/\/(?=\.|$)|\/*(?=\/))?/iu, '');
}
