import { putAlarms } from '#db/status/alarm/alarms.ts';
import { findLateAttempts } from '#db/status/alarm/find-late-attempts.ts';
import { waitsFor } from '#model/job/deadlines.ts';
import { countOf } from '#util/count-of.ts';
import { formatDuration } from '#util/text/format-duration.ts';

import type { Database } from '#db/connect.ts';
import type { Site } from '#model/site.ts';

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
    late.map(({ rule, state, count, dstfile, seconds, allowedSeconds }) => ({
      ...{ cause: `deadline:${rule}/${state}`, rule },
      what: `${countOf(count, 'attempt')} of '${rule}' ${count === 1 ? 'has' : 'have'} been ${state} for longer than ${formatDuration(Math.round(allowedSeconds))} ('deadlines'), '${dstfile}' for ${formatDuration(seconds)}`,
      advice: `It waits for ${waitsFor[state]}`,
    })),
  );
}
