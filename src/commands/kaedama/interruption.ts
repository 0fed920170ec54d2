import { countOf } from '#util/count-of.ts';

/** How far a dispatch is, for the message of an interruption. */
export interface DispatchTrace {
  /** `begun`: jobs may be reserved or submitted; `ended`: `submitted` is what came of it. */
  phase: 'before' | 'begun' | 'ended';
  /** Jobs that were ready. */
  ready: number;
  submitted: number;
}

/** Describes the state of a dispatch to the user who interrupted it; a sentence without full stop. */
export function describeInterruption({ phase, ready, submitted }: DispatchTrace): string {
  if (phase === 'begun') {
    const jobs = ready === 1 ? 'the job' : `up to ${countOf(ready, 'job')}`;
    return `Interrupted: ${jobs} may be reserved or submitted; the next kaedama, or 'slurp reconcile', resolves that`;
  }
  if (submitted === 0) return 'Interrupted: nothing was submitted';
  const rest = ready > submitted ? `, ${ready - submitted} of the ready ones are not` : '';
  return `Interrupted: ${countOf(submitted, 'job')} submitted${rest}`;
}
