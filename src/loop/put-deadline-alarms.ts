import { putAlarms } from '#db/status/alarm/alarms.ts';
import { findLateAttempts } from '#db/status/alarm/find-late-attempts.ts';
import { countOf } from '#util/count-of.ts';
import { formatDuration } from '#util/text/format-duration.ts';

import type { Database } from '#db/connect.ts';
import type { Site } from '#model/site.ts';

/** What an attempt in a state waits for. */
const waitsFor: Readonly<Record<string, string>> = {
  submitting: "the answer of the batch system: see 'slurp status'",
  submitted: "a machine: see 'kaedama --why' and the batch system's own analysis ('condor_q -better-analyze')",
  started: "its first report of being 'running', or its end: see its log",
  running: 'its end: see its log, and whether its machine still answers',
  held: "a person: see the reason in 'ramenya query --reports held'",
  evicted: 'a machine, again',
};

/**
 * Raises an alarm for each rule and state with attempts that have passed their deadline, and clears the alarms that are over.
 *
 * @throws DatabaseError
 */
export async function putDeadlineAlarms(status: Database, { deadlines }: Site): Promise<void> {
  const late = await findLateAttempts(status, deadlines);
  await putAlarms(
    status,
    'deadline',
    late.map(({ rule, state, count, dstfile, seconds }) => ({
      ...{ cause: `deadline:${rule}/${state}`, rule },
      what: `${countOf(count, 'attempt')} of '${rule}' ${count === 1 ? 'is' : 'are'} ${state} for too long, '${dstfile}' for ${formatDuration(seconds)}`,
      advice: `It waits for ${waitsFor[state] ?? 'its end'}`,
    })),
  );
}
