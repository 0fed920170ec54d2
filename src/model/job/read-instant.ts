const form = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:\d\d)$/u;
const ownForm = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u;

/**
 * Reads a time as ISO 8601 writes it, with a zone. 31 February is not a day, and years are 0001 to 9999, which
 * PostgreSQL writes alike.
 *
 * @returns UTC with milliseconds; undefined for everything else. Never throws
 */
export function readInstant(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const instant = new Date(value);
  if (Number.isNaN(instant.getTime())) return undefined;
  const text = instant.toISOString();
  // What a job writes: a time that comes back as it was.
  if (text === value && ownForm.test(value)) return text;
  const day = form.exec(value)?.[1];
  if (day === undefined) return undefined;
  const midnight = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime())) return undefined;
  return midnight.toISOString().startsWith(day) && /^(?!0000)\d{4}-/u.test(text) ? text : undefined;
}
