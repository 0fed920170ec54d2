const form = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:\d\d)$/u;

/**
 * Reads a time as ISO 8601 writes it, with a zone. 31 February is not a day, and years are 0001 to 9999, which
 * PostgreSQL writes alike.
 *
 * @returns UTC with milliseconds; undefined for everything else. Never throws
 */
export function readInstant(value: unknown): string | undefined {
  const day = typeof value === 'string' ? form.exec(value)?.[1] : undefined;
  if (typeof value !== 'string' || day === undefined) return undefined;
  const [midnight, instant] = [new Date(`${day}T00:00:00Z`), new Date(value)];
  if (Number.isNaN(midnight.getTime()) || Number.isNaN(instant.getTime())) return undefined;
  const text = instant.toISOString();
  return midnight.toISOString().startsWith(day) && /^(?!0000)\d{4}-/u.test(text) ? text : undefined;
}
