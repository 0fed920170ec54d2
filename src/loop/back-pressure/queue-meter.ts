import { countOpenAttempts } from '#db/status/loop/count-open-attempts.ts';
import { BatchError } from '#model/errors.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { QueueGauge } from '#model/report/loop-status.ts';

/** Measures how full the queue is, for all rules of a cycle. */
export interface QueueMeter {
  /**
   * Returns the latest measurement, with the jobs added since; measures again if it is older than 10 s.
   *
   * @throws BatchError `batch-no-answer`; DatabaseError
   */
  find(): Promise<QueueGauge>;
  /** Adds jobs that were submitted since the measurement. */
  add(jobs: number): void;
}

const lastsMs = 10_000;

/** Makes a meter for one cycle. */
export function makeQueueMeter(status: Database, backend: BatchBackend): QueueMeter {
  let last: { readonly gauge: QueueGauge; readonly at: number } | undefined;
  return {
    find: async () => {
      if (last === undefined || performance.now() - last.at > lastsMs) {
        last = { gauge: await findGauge(status, backend), at: performance.now() };
      }
      return last.gauge;
    },
    add: (jobs) => {
      if (last === undefined) return;
      const { gauge, at } = last;
      last = { gauge: { ...gauge, jobs: gauge.jobs + jobs, idle: gauge.idle + jobs }, at };
    },
  };
}

/** Jobs that a factory has not made yet are missing in the batch system's count, but are attempts of ours: the larger number counts. */
async function findGauge(status: Database, backend: BatchBackend): Promise<QueueGauge> {
  const ours = await countOpenAttempts(status);
  if (backend.countQueue === undefined) return ours;
  const answer = await backend.countQueue();
  if (answer.kind === 'unknown') {
    throw new BatchError(`It is unknown how full the queue is: ${answer.reason}`, {
      code: 'batch-no-answer',
      advice: 'Nothing was submitted; check that the batch system answers',
    });
  }
  return { ...answer.value, jobs: Math.max(answer.value.jobs, ours.jobs) };
}
