import { present } from '#util/present.ts';

import type { BatchBackend, BatchJobReport, BatchSubmissionReport, FactoryStop, UnreadReport } from '#batch/backend.ts';
import type { OpenAttempt } from '#db/status/find-open-attempts.ts';

import type { Sight } from './decide-attempt.ts';
import type { StopSight } from './resolve-stop.ts';

/** What was seen of the attempts of some submissions. */
export type Looked =
  | {
      readonly kind: 'answer';
      readonly attempts: readonly OpenAttempt[];
      readonly submissions: readonly BatchSubmissionReport[];
      /** Parts of the answers that could not be read. */
      readonly unread: readonly UnreadReport[];
      /** What is seen of a submission; absent where it could not be read. */
      readonly submissionOf: (uuid: string) => StopSight | undefined;
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
 * @param isWanted whether attempts are wanted whose jobs are not made because of this
 * @throws what `readAttempts` throws
 */
export async function readJobs(
  backend: BatchBackend,
  uuids: readonly string[],
  readAttempts: (nextProcesses: readonly number[]) => Promise<readonly OpenAttempt[]>,
  isWanted: (stop: FactoryStop) => boolean = ({ kind }) => kind === 'removed',
): Promise<Looked> {
  const submissions = await backend.findSubmissions(uuids);
  if (submissions.kind === 'unknown') return submissions;
  const known = new Map(submissions.value.map((report) => [report.uuid, report]));
  const attempts = await readAttempts(uuids.map((uuid) => readUpTo(known.get(uuid), isWanted)));
  const asked = [...new Set(attempts.map(({ submission }) => submission))];
  const queue = await seenOf(attempts, () => (asked.length === 0 ? answerNone() : backend.queryQueue(asked)));
  if (queue.kind === 'unknown') return queue;
  const absent = attempts.filter(
    ({ id, submission, process }) =>
      !queue.jobs.has(id) && process < (known.get(submission)?.nextProcess ?? everyProcess),
  );
  const gone = [...new Set(absent.map(({ submission }) => submission))];
  const history = await seenOf(absent, () => (gone.length === 0 ? answerNone() : backend.queryHistory(gone)));
  if (history.kind === 'unknown') return history;
  const unread = [...(submissions.unread ?? []), ...queue.unread, ...history.unread];
  const findDoubt = makeDoubtFinder(unread);
  return {
    kind: 'answer',
    attempts,
    submissions: submissions.value,
    unread,
    submissionOf: (uuid) => {
      const report = known.get(uuid);
      if (report === undefined && unread.some((part) => part.uuid === undefined || part.uuid === uuid))
        return undefined;
      const seen = Math.max(queue.made.get(uuid) ?? 0, history.made.get(uuid) ?? 0);
      return { seen, ...present({ report }) };
    },
    sightOf: ({ id, submission }) => {
      const [inQueue, inHistory] = [queue.jobs.get(id), history.jobs.get(id)];
      return {
        ...present({
          submission: known.get(submission),
          queue: inQueue,
          history: inHistory,
          silence: (inQueue ?? inHistory) ? undefined : findDoubt(submission, id),
          made: history.made.get(submission),
        }),
      };
    },
  };
}

/** Attempts that wait for a job to be made are left out, but for those of a factory that has stopped in a way that is wanted. */
function readUpTo(report: BatchSubmissionReport | undefined, isWanted: (stop: FactoryStop) => boolean): number {
  if (report === undefined) return everyProcess;
  return report.stop !== undefined && isWanted(report.stop) ? everyProcess : report.nextProcess;
}

/** What could not be read may be about any attempt that is seen nowhere: then nothing is known of it. */
function makeDoubtFinder(unread: readonly UnreadReport[]): (submission: string, id: number) => string | undefined {
  const ofAttempt = new Map<string, string>();
  const ofSubmission = new Map<string | undefined, string>();
  for (const { uuid, cupsid, reason } of unread) {
    if (uuid !== undefined && cupsid !== undefined) ofAttempt.set(`${uuid} ${cupsid}`, reason);
    else ofSubmission.set(uuid, reason);
  }
  return (submission, id) =>
    ofAttempt.get(`${submission} ${id}`) ?? ofSubmission.get(submission) ?? ofSubmission.get(undefined);
}

function answerNone(): ReturnType<BatchBackend['queryQueue']> {
  return Promise.resolve({ kind: 'answer', value: [] });
}

/** Asks for jobs and keeps those of the attempts alone; of several reports about one, the one with most starts. */
async function seenOf(
  attempts: readonly OpenAttempt[],
  ask: () => ReturnType<BatchBackend['queryQueue']>,
): Promise<
  | {
      readonly kind: 'answer';
      readonly jobs: ReadonlyMap<number, BatchJobReport>;
      readonly unread: readonly UnreadReport[];
      /** By submission: one more than the greatest process number in the answer. */
      readonly made: ReadonlyMap<string, number>;
    }
  | { readonly kind: 'unknown'; readonly reason: string }
> {
  const answer = await ask();
  if (answer.kind === 'unknown') return answer;
  const wanted = new Set(attempts.map(({ id }) => id));
  const jobs = new Map<number, BatchJobReport>();
  const made = new Map<string, number>();
  for (const report of answer.value) {
    made.set(report.uuid, Math.max(made.get(report.uuid) ?? 0, report.process + 1));
    if (!wanted.has(report.cupsid)) continue;
    const before = jobs.get(report.cupsid);
    if (before === undefined || report.starts >= before.starts) jobs.set(report.cupsid, report);
  }
  return { kind: 'answer', jobs, unread: answer.unread ?? [], made };
}
