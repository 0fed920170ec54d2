import { withDatabaseRetries } from '#db/retry.ts';
import { findOpenAttempts, findSubmissionsWithOpen } from '#db/status/find-open-attempts.ts';
import { confirmAttempts } from '#db/status/submission/confirm-attempts.ts';
import { putCluster } from '#db/status/submission/put-cluster.ts';
import { ingestOwnEvents } from '#ingest/ingest-own-events.ts';
import { recordedKinds } from '#model/report/reconciled.ts';

import { isMass } from '../is-mass.ts';
import { makeReportingBackend } from '../make-reporting-backend.ts';
import { decideAttempt } from './decide-attempt.ts';
import { findClusters } from './find-clusters.ts';
import { makeStop } from './make-stop.ts';
import { readJobs } from './read-jobs.ts';
import { removeEnded } from './remove-ended.ts';
import { removeFenced } from './remove-fenced.ts';
import { removeStrays } from './remove-strays.ts';
import { resolveStop } from './resolve-stop.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { OpenAttempt, SubmissionWithOpen } from '#db/status/find-open-attempts.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';
import type { Reconciled, ReconciledStop } from '#model/report/reconciled.ts';

import type { Decision, DecisionTerms } from './decide-attempt.ts';
import type { Looked } from './read-jobs.ts';
import type { StopOutcome } from './resolve-stop.ts';

/** The inputs of {@link reconcile}; times are in ms. */
export interface ReconcileInput {
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
  /** Takes the spools that came home, before anything is decided: a job's own word comes first. */
  readonly ingestSpools: () => Promise<unknown>;
  /** Attempts of this rule only. */
  readonly rule?: string;
  /** A job's own word about its end is waited for this long; {@link defaultTerms} by default. */
  readonly endGraceMs?: number;
  /** A job that is nowhere is called vanished after this; {@link defaultTerms} by default. */
  readonly vanishAfterMs?: number;
  /** A job that is held after its attempt has ended stays for so long; {@link defaultTerms} by default. */
  readonly keepHeldMs?: number;
  /** An operator knows that most jobs vanished, and wants that recorded. */
  readonly isMassVanishingAllowed?: boolean;
  /** Nothing is changed: the counts say what would be done. */
  readonly isReportOnly?: boolean;
}

/**
 * How long things are waited for by default. A report tries for 2 s and the gateway looks for spools
 * every 5 s, so a minute is long; the history of a schedd lags behind its queue by less than a second. An operator gets a day to look at a held job.
 */
export const defaultTerms = { endGraceMs: 60_000, vanishAfterMs: 10 * 60_000, keepHeldMs: 24 * 3_600_000 } as const;

/** So many attempts are asked about at once, or one submission. */
const attemptsAtOnce = 10_000;
/** Attempts are confirmed in groups. */
const confirmedAtOnce = 500;

/**
 * Brings open attempts and the batch system into agreement: what their jobs did without saying it becomes
 * events, jobs of retired attempts are removed, and what cannot be known is counted as such. Several at once are safe,
 * and the second time does nothing.
 *
 * @throws DatabaseError, GatewayError
 * @see docs/reconcile.md
 */
export async function reconcile(asked: ReconcileInput): Promise<Reconciled> {
  const input = asked.isReportOnly === true ? { ...asked, backend: makeReportingBackend(asked.backend) } : asked;
  const { status, backend, rule } = input;
  await input.ingestSpools();
  const tally = makeTally();
  const submissions = await withDatabaseRetries(() => findSubmissionsWithOpen(status, backend.name, rule));
  for (const piece of chunksOf(submissions)) await reconcilePiece(input, piece, tally);
  await ingestVanished(input, tally);
  const sayUnknown = (why: string): void => tally.addReason(why, 1);
  tally.jobsRemoved += await removeStrays(input, sayUnknown);
  tally.jobsRemoved += await removeFenced(input, sayUnknown);
  // Who dispatches a rule does not wait for this.
  if (rule === undefined) {
    if (input.isReportOnly !== true) await findClusters(input);
    tally.jobsRemoved += await removeEnded(input, input.keepHeldMs ?? defaultTerms.keepHeldMs, sayUnknown);
  }
  return tally.end();
}

function chunksOf(submissions: readonly SubmissionWithOpen[]): readonly (readonly SubmissionWithOpen[])[] {
  const chunks: SubmissionWithOpen[][] = [];
  let room = 0;
  for (const submission of submissions) {
    if (submission.open > room || chunks.length === 0) {
      chunks.push([]);
      room = attemptsAtOnce;
    }
    chunks.at(-1)?.push(submission);
    room -= submission.open;
  }
  return chunks;
}

async function reconcilePiece(
  input: ReconcileInput,
  submissions: readonly SubmissionWithOpen[],
  tally: Tally,
): Promise<void> {
  const { status, backend } = input;
  const open = submissions.reduce((sum, submission) => sum + submission.open, 0);
  tally.checked += open;
  const uuids = submissions.map(({ uuid }) => uuid);
  const looked = await readJobs(backend, uuids, (nextProcesses) =>
    withDatabaseRetries(() => findOpenAttempts(status, uuids, nextProcesses)),
  );
  if (looked.kind === 'unknown') {
    tally.unknown += open;
    tally.addReason(looked.reason, open);
    return;
  }
  tally.unread += looked.unread.length;
  const ended = await resolveStops(input, submissions, looked, tally);
  const attempts = looked.attempts.filter(({ submission, process }) => process < (ended.get(submission) ?? Infinity));
  tally.agreed += open - attempts.length;
  const terms = {
    nowMs: Date.now(),
    endGraceMs: input.endGraceMs ?? defaultTerms.endGraceMs,
    vanishAfterMs: input.vanishAfterMs ?? defaultTerms.vanishAfterMs,
  };
  const work = sortOut(attempts, looked.sightOf, terms, tally);
  for (let from = 0; from < work.confirm.length; from += confirmedAtOnce) {
    const ids = work.confirm.slice(from, from + confirmedAtOnce);
    if (input.isReportOnly === true) tally.confirmed += ids.length;
    else tally.confirmed += await withDatabaseRetries(() => confirmAttempts(status, ids));
  }
  await ingestReported(input, work.events, tally);
  for (const [uuid, cupsids] of work.remove) {
    const answer = await backend.remove({ uuid, cupsids }, 'its attempt was retired');
    if (answer.kind === 'answer') tally.jobsRemoved += cupsids.length;
    else {
      tally.unknown += cupsids.length;
      tally.addReason(answer.reason, cupsids.length);
    }
  }
}

/**
 * Handles submissions of which no further jobs are created.
 *
 * @returns of those that were resolved, from which process number on attempts are done with
 */
async function resolveStops(
  input: ReconcileInput,
  submissions: readonly SubmissionWithOpen[],
  looked: Extract<Looked, { kind: 'answer' }>,
  tally: Tally,
): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>();
  // Who dispatches a rule has nothing to do with what others hold.
  const keepHeldMs = input.rule === undefined ? (input.keepHeldMs ?? defaultTerms.keepHeldMs) : undefined;
  for (const submission of submissions) {
    const sight = looked.submissionOf(submission.uuid);
    if (sight === undefined) continue;
    const { uuid, cluster } = submission;
    const found = sight.report?.cluster;
    if (cluster === null && found !== undefined && input.isReportOnly !== true) {
      await withDatabaseRetries(() => input.status.transaction((session) => putCluster(session, uuid, found)));
    }
    const { status, backend, log, isReportOnly = false } = input;
    const terms = keepHeldMs === undefined ? {} : { keepHeldMs };
    const outcome = await resolveStop({ status, backend, log, isReportOnly, ...terms }, submission, sight);
    if (outcome.kind === 'resolved') ended.set(uuid, outcome.from);
    tally.addStop(submission, found, outcome);
  }
  return ended;
}

interface Work {
  readonly confirm: number[];
  readonly events: JobEvent[];
  readonly remove: Map<string, number[]>;
}

function sortOut(
  attempts: readonly OpenAttempt[],
  sightOf: (attempt: OpenAttempt) => Parameters<typeof decideAttempt>[1],
  terms: DecisionTerms,
  tally: Tally,
): Work {
  const work: Work = { confirm: [], events: [], remove: new Map() };
  for (const attempt of attempts) {
    const decision: Decision = decideAttempt(attempt, sightOf(attempt), terms);
    switch (decision.kind) {
      case 'nothing':
        tally.agreed += 1;
        break;
      case 'confirm':
        work.confirm.push(attempt.id);
        break;
      case 'report':
        if (decision.events.some(({ detail }) => detail.kind === 'vanished')) tally.vanished.push(...decision.events);
        else work.events.push(...decision.events);
        break;
      case 'remove-job': {
        const cupsids = work.remove.get(attempt.submission) ?? [];
        cupsids.push(attempt.id);
        work.remove.set(attempt.submission, cupsids);
        break;
      }
      case 'wait':
        tally.waiting += 1;
        tally.addReason(decision.why, 1);
        break;
      case 'unknown':
        tally.unknown += 1;
        tally.addReason(decision.why, 1);
        break;
    }
  }
  return work;
}

async function ingestReported(input: ReconcileInput, events: readonly JobEvent[], tally: Tally): Promise<void> {
  const isReportOnly = input.isReportOnly === true;
  for (const { cupsid, start, detail } of isReportOnly ? events : await ingestOwnEvents(input, events)) {
    tally.count(detail.kind);
    if (isReportOnly) continue;
    input.log.info({ cupsid, start, ...detail }, 'reported by the batch system');
  }
}

/** Held back until all are counted: what is said of most of the jobs at once is not believed. */
async function ingestVanished(input: ReconcileInput, tally: Tally): Promise<void> {
  const { vanished } = tally;
  if (isMass(vanished.length, tally.checked) && input.isMassVanishingAllowed !== true) {
    tally.disbelieved = vanished.length;
    tally.addReason('vanished all at once: nothing was recorded', vanished.length);
    input.log.error({ vanished: vanished.length, checked: tally.checked }, 'too many jobs vanished at once');
    return;
  }
  await ingestReported(input, vanished, tally);
}

type Tally = ReturnType<typeof makeTally>;

function makeTally() {
  const reasons = new Map<string, number>();
  const recorded = { started: 0, held: 0, released: 0, evicted: 0, exited: 0, removed: 0, vanished: 0 };
  const vanished: JobEvent[] = [];
  const stops: ReconciledStop[] = [];
  const addReason = (why: string, count: number): void => {
    reasons.set(why, (reasons.get(why) ?? 0) + count);
  };
  const counts = {
    checked: 0,
    agreed: 0,
    confirmed: 0,
    jobsRemoved: 0,
    waiting: 0,
    unknown: 0,
    unread: 0,
    disbelieved: 0,
    takenBack: 0,
  };
  return Object.assign(counts, {
    vanished,
    count: (kind: JobEvent['detail']['kind']): void => {
      const known = recordedKinds.find((one) => one === kind);
      if (known !== undefined) recorded[known] += 1;
    },
    addReason,
    addStop: (submission: SubmissionWithOpen, cluster: number | undefined, outcome: StopOutcome): void => {
      if (outcome.kind === 'makes') return;
      if (outcome.kind === 'unknown') return addReason(outcome.reason, 1);
      const stop = makeStop(submission, cluster, outcome);
      if (stop.unmade + stop.failed === 0) return;
      stops.push(stop);
      if (stop.state === 'ended') counts.takenBack += stop.unmade;
    },
    end: (): Reconciled => ({
      checked: counts.checked,
      agreed: counts.agreed,
      confirmed: counts.confirmed,
      recorded,
      jobsRemoved: counts.jobsRemoved,
      waiting: counts.waiting,
      unknown: counts.unknown,
      unread: counts.unread,
      disbelieved: counts.disbelieved,
      takenBack: counts.takenBack,
      stops,
      reasons: [...reasons].map(([why, count]) => ({ why, count })).toSorted((a, b) => b.count - a.count),
    }),
  });
}
