import type { BatchAnswer, BatchBackend, BatchSelection } from '#batch/backend.ts';

/**
 * Makes a backend that answers questions and carries nothing out: `remove` and the like answer how many jobs they would
 * have concerned.
 */
export function makeReportingBackend(backend: BatchBackend): BatchBackend {
  const countJobs = async ({ uuid, cupsids }: BatchSelection): Promise<BatchAnswer<number>> => {
    if (cupsids !== undefined) return { kind: 'answer', value: cupsids.length };
    const queue = await backend.queryQueue([uuid]);
    return queue.kind === 'unknown' ? queue : { kind: 'answer', value: queue.value.length };
  };
  return {
    ...backend,
    submit: () => Promise.reject(new Error('Only a report was asked for')),
    hold: countJobs,
    release: countJobs,
    remove: countJobs,
    removeUnmade: () => Promise.resolve({ kind: 'answer', value: 0 }),
  };
}
