import type { JobEvent, JobEventDetail } from './job-event.ts';

/** What is known of the batch system alone; a job reports its own `exited` and `evicted`. */
const kindsOfBatch: ReadonlySet<JobEventDetail['kind']> = new Set(['held', 'released', 'removed', 'vanished']);

/** Sources that SLURP itself uses. */
const ownSources = /^(?:batch|operator|refused|registration):/u;

/**
 * Says why a job may not report an event; undefined: it may. A job speaks for itself: what the batch system, an operator or
 * SLURP says comes from elsewhere.
 */
export function findImpostor({ source, detail, start }: JobEvent): string | undefined {
  const name = ownSources.exec(source)?.[0];
  if (name !== undefined) return `source begins with '${name}', which is SLURP's own: expected that of the job's spool`;
  if (kindsOfBatch.has(detail.kind)) return `'${detail.kind}' is reported by the batch system, and not by a job`;
  return start < 0 ? `start is ${start}: expected 0 or more` : undefined;
}
