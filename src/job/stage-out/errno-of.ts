/** The code of an operating system error (`ENOSPC`, …); undefined for every other error. Never throws. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
