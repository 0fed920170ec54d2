import { UsageError } from '#model/errors.ts';
import { parseEvent } from '#model/job/parse-event.ts';

import type { EventComplaint } from '#model/job/event-fields.ts';
import type { JobEventDetail } from '#model/job/job-event.ts';

import type { JobIdentity } from './identity.ts';

/** The gateway takes 1 MiB in one request; what a report gains on its way is below 1 kB. */
const maximalReportBytes = 999_000;

/**
 * Checks a report as the gateway will, with the same schema: before anything is copied or written.
 *
 * @param at when it happened; UTC, ISO 8601 with milliseconds
 * @param nameOf the caller's name (`--exit`) of a field of the event (`detail.exitCode`)
 * @returns the report as it is to be written: what the database cannot hold is replaced
 * @throws UsageError `usage-report` that names each value that is wrong, and what was expected
 */
export function checkReport(
  { cupsid, start }: Pick<JobIdentity, 'cupsid' | 'start'>,
  at: string,
  detail: JobEventDetail,
  nameOf: (path: string) => string = (path) => path,
): JobEventDetail {
  const parsed = parseEvent({ cupsid, source: 'not known yet', sequence: 0, start, at, detail });
  if (parsed.kind === 'invalid') throw errorOf(detail.kind, parsed.complaints, nameOf);
  const sizeBytes = new TextEncoder().encode(JSON.stringify(parsed.event)).length;
  if (sizeBytes > maximalReportBytes) {
    const message = `has ${sizeBytes} bytes: expected ${maximalReportBytes} at most`;
    throw errorOf(detail.kind, [{ path: 'detail', message }], nameOf);
  }
  return parsed.event.detail;
}

function errorOf(report: string, complaints: readonly EventComplaint[], nameOf: (path: string) => string): UsageError {
  const lines = [
    ...new Set(
      complaints.map(
        ({ path, message }) => `${path === 'detail' ? `The report '${report}'` : nameOf(path)} ${message}`,
      ),
    ),
  ];
  const [first = ''] = lines;
  return lines.length === 1
    ? new UsageError(first, { code: 'usage-report' })
    : new UsageError(`The report '${report}' cannot be sent`, { code: 'usage-report', complaints: lines });
}
