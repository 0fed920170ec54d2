import type { BatchBackend, BatchJobReport, BatchSubmissionReport } from '#batch/backend.ts';
import type { OpenAttempt } from '#db/status/find-open-attempts.ts';

import type { Sight } from './decide-attempt.ts';

/** What was seen of the attempts of some submissions. */
export type Looked =
  | {
      readonly kind: 'answer';
      readonly attempts: readonly OpenAttempt[];
      readonly submissions: readonly BatchSubmissionReport[];
      readonly sightOf: (attempt: OpenAttempt) => Sight;
    }
  | { readonly kind: 'unknown'; readonly reason: string };

/** No process number is greater: PostgreSQL's greatest integer. */
const everyProcess = 2_147_483_647;

/**
 * Looks at the attempts of some submissions, in the one order in which nothing slips through: how far the batch system
 * has made the jobs, then our rows, then the queue, then (only if some job is not in it) the history. A job that is made
 * or ends meanwhile is then seen by the later question.
 *
 * @param readAttempts reads the rows; one `nextProcess` a submission, in the order of `uuids`
 * @throws what `readAttempts` throws
 */
export async function lookAt(
  backend: BatchBackend,
  uuids: readonly string[],
  readAttempts: (nextProcesses: readonly number[]) => Promise<readonly OpenAttempt[]>,
): Promise<Looked> {
  const submissions = await backend.findSubmissions(uuids);
  if (submissions.kind === 'unknown') return submissions;
  const known = new Map(submissions.value.map((report) => [report.uuid, report]));
  const attempts = await readAttempts(uuids.map((uuid) => known.get(uuid)?.nextProcess ?? everyProcess));
  const asked = [...new Set(attempts.map(({ submission }) => submission))];
  const queue = await seenOf(attempts, () => (asked.length === 0 ? nobody() : backend.queryQueue(asked)));
  if (queue.kind === 'unknown') return queue;
  const absent = attempts.filter(
    ({ id, submission, process }) =>
      !queue.jobs.has(id) && process < (known.get(submission)?.nextProcess ?? everyProcess),
  );
  const gone = [...new Set(absent.map(({ submission }) => submission))];
  const history = await seenOf(absent, () => (gone.length === 0 ? nobody() : backend.queryHistory(gone)));
  if (history.kind === 'unknown') return history;
  return {
    kind: 'answer',
    attempts,
    submissions: submissions.value,
    sightOf: ({ id, submission }) => ({
      ...present('submission', known.get(submission)),
      ...present('queue', queue.jobs.get(id)),
      ...present('history', history.jobs.get(id)),
    }),
  };
}

function nobody(): ReturnType<BatchBackend['queryQueue']> {
  return Promise.resolve({ kind: 'answer', value: [] });
}

/** Asks for jobs and keeps those of the attempts alone; of several reports about one, the one with most starts. */
async function seenOf(
  attempts: readonly OpenAttempt[],
  ask: () => ReturnType<BatchBackend['queryQueue']>,
): Promise<
  | { readonly kind: 'answer'; readonly jobs: ReadonlyMap<number, BatchJobReport> }
  | { readonly kind: 'unknown'; readonly reason: string }
> {
  const answer = await ask();
  if (answer.kind === 'unknown') return answer;
  const wanted = new Set(attempts.map(({ id }) => id));
  const jobs = new Map<number, BatchJobReport>();
  for (const report of answer.value) {
    if (!wanted.has(report.cupsid)) continue;
    const before = jobs.get(report.cupsid);
    if (before === undefined || report.starts >= before.starts) jobs.set(report.cupsid, report);
  }
  return { kind: 'answer', jobs };
}

function present<K extends string, T>(name: K, value: T | undefined): Partial<Record<K, T>>;
function present<T>(name: string, value: T | undefined): Partial<Record<string, T>> {
  return value === undefined ? {} : { [name]: value };
}
