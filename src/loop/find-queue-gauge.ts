import { countOpenAttempts } from '#db/status/loop/count-open-attempts.ts';

import type { BatchAnswer, BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { QueueGauge } from '#model/report/loop-status.ts';

/**
 * Measures how full the queue is. Jobs that a factory has yet to make are not in the batch system's count, but are
 * attempts of ours: the larger number counts.
 *
 * @throws DatabaseError
 */
export async function findQueueGauge(status: Database, backend: BatchBackend): Promise<BatchAnswer<QueueGauge>> {
  const ours = await countOpenAttempts(status);
  if (backend.countQueue === undefined) return { kind: 'answer', value: ours };
  const answer = await backend.countQueue();
  if (answer.kind === 'unknown') return answer;
  return { ...answer, value: { ...answer.value, jobs: Math.max(answer.value.jobs, ours.jobs) } };
}
