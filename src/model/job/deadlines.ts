/** The states of an attempt that are not final: each has a deadline. */
export const openStates = ['submitting', 'submitted', 'started', 'running', 'held', 'evicted'] as const;

/** How long an attempt may stay in each state, in ms. */
export type Deadlines = Readonly<Record<(typeof openStates)[number], number>>;

/** What an attempt in each state waits for. */
export const waitsFor: Readonly<Record<(typeof openStates)[number], string>> = {
  submitting: "the answer of the batch system: see 'slurp status'",
  submitted: "a machine: see 'kaedama --why' and the batch system's own analysis ('condor_q -better-analyze')",
  started: "its first report of being 'running', or its end: see its log",
  running: 'its end: see its log, and whether its machine still answers',
  held: "a person: see the reason in 'ramenya query --reports held'",
  evicted: 'a machine: the batch system took it back',
};

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The deadlines of a site that names none. Jobs that never report `running` stay `started` as long as they run. */
export const defaultDeadlines: Deadlines = {
  submitting: hourMs,
  submitted: 3 * dayMs,
  started: 2 * dayMs,
  running: 2 * dayMs,
  held: dayMs,
  evicted: dayMs,
};
