import { UsageError } from '#model/errors.ts';

/**
 * Reads the time of `--timestamp`; one without zone is UTC, as the database has it.
 *
 * @returns UTC, ISO 8601 with milliseconds; `now` where the option is absent
 * @throws UsageError `usage-arguments`
 */
export function parseInstant(text: string | undefined, now: Date): string {
  if (text === undefined) return now.toISOString();
  const hasZone = /(?:Z|[-+]\d\d:?\d\d)$/iu.test(text.trim());
  const instant = new Date(`${text.trim().replace(/^(\d{4}-\d\d-\d\d) /u, '$1T')}${hasZone ? '' : 'Z'}`);
  if (Number.isNaN(instant.getTime())) {
    throw new UsageError(`The value '${text}' of --timestamp: expected a time such as '2025-04-10 12:00:00'`, {
      code: 'usage-arguments',
    });
  }
  return instant.toISOString();
}
