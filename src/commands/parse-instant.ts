import { UsageError } from '#model/errors.ts';
import { readInstant } from '#model/job/read-instant.ts';

const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[-+]\d\d:?\d\d)?)?$/iu;

/**
 * Reads the time of `--timestamp`, or of another option; one without zone is UTC, as the database has it.
 *
 * @returns UTC, ISO 8601 with milliseconds; `now` where the option is absent
 * @throws UsageError `usage-arguments`
 */
export function parseInstant(text: string | undefined, now: Date, option = '--timestamp'): string {
  if (text === undefined) return now.toISOString();
  const [, day = '', time = '00:00', zone = 'Z'] = form.exec(text.trim()) ?? [];
  const instant = readInstant(`${day}T${time}${zone.toUpperCase().replace(/^([-+]\d\d)(\d\d)$/u, '$1:$2')}`);
  if (instant !== undefined) return instant;
  throw new UsageError(`Value '${text}' of ${option} is not a time: expected for example '2025-04-10 12:00:00'`, {
    code: 'usage-arguments',
  });
}
