/** The states of an attempt, in the order of the database's enum `prodstate`. */
export const jobStates = [
  'submitting',
  'submitted',
  'started',
  'running',
  'held',
  'evicted',
  'failed',
  'finished',
] as const;

/** The state of an attempt: the words of the database. */
export type JobState = (typeof jobStates)[number];
