/**
 * Returns a value that must be there although its type allows that it is missing, e.g. after an index. A stand-in such as
 * `?? ''` would hide the bug.
 *
 * @param what it is, for the message
 * @throws Error if it is missing, which is a bug in SLURP
 */
export function assertPresent<T>(value: T, what: string): NonNullable<T> {
  if (value === undefined || value === null) throw new Error(`Missing: ${what}`);
  return value;
}
