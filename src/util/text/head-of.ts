/** Returns what stands before the first `separator`: the whole text where there is none. */
export function headOf(text: string, separator: string): string {
  const at = text.indexOf(separator);
  return at < 0 ? text : text.slice(0, at);
}
