/**
 * Reads the `code` of an error: `ENOENT` and the like of the operating system, that of an error of ours.
 *
 * @returns undefined for what has none; never throws
 */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
