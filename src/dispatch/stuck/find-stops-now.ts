import { findStops } from '#db/status/factory/find-stops.ts';
import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Queryable } from '#db/connect.ts';
import type { StoppedSubmission } from '#model/job/stuck-jobs.ts';

/** The submissions of which no further jobs are made. */
export interface StopsNow {
  readonly stops: readonly StoppedSubmission[];
  /** Why the batch system does not say; then `stops` are as they were recorded. */
  readonly silence?: string;
}

/**
 * Finds which of some submissions have stopped, by what the batch system says now, and by what was recorded where it does
 * not answer. Changes nothing.
 *
 * @param submissions that have attempts which are not at their end
 * @throws DatabaseError
 */
export async function findStopsNow(
  { status, backend }: { readonly status: Queryable; readonly backend: BatchBackend },
  submissions: readonly { readonly uuid: string; readonly rule: string }[],
): Promise<StopsNow> {
  if (submissions.length === 0) return { stops: [] };
  const rules = new Map(submissions.map(({ uuid, rule }) => [uuid, rule]));
  const recorded = (await findStops(status)).filter(({ submission }) => rules.has(submission));
  const found = await backend.findSubmissions([...rules.keys()], 'queue');
  if (found.kind === 'unknown') return { stops: recorded, silence: found.reason };
  const since = new Map(recorded.map((stop) => [stop.submission, stop.since]));
  const stops = found.value.flatMap(({ uuid, cluster, count, nextProcess, stop }): StoppedSubmission[] => {
    if (stop === undefined) return [];
    const { kind, reason } = stop;
    const at = since.get(uuid);
    return [
      {
        ...{
          submission: uuid,
          rule: assertPresent(rules.get(uuid), 'the rule of a submission'),
          cluster,
          kind,
          reason,
        },
        ...{ unmade: count - nextProcess, next: nextProcess },
        ...present({ since: at }),
      },
    ];
  });
  const [doubt] = found.unread ?? [];
  if (doubt === undefined) return { stops };
  const seen = new Set(found.value.map(({ uuid }) => uuid));
  return { stops: [...stops, ...recorded.filter(({ submission }) => !seen.has(submission))], silence: doubt.reason };
}
