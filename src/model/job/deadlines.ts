/** The states of an attempt that are not final: each has a deadline. */
export const openStates = ['submitting', 'submitted', 'started', 'running', 'held', 'evicted'] as const;

/** How long an attempt may stay in each state, in ms. */
export type Deadlines = Readonly<Record<(typeof openStates)[number], number>>;

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
