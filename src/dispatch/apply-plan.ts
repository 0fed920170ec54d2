import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { withDatabaseRetries } from '#db/retry.ts';
import { moveCursorUp } from '#db/status/cursor/move-cursor-up.ts';
import { moveCursor } from '#db/status/cursor/move-cursor.ts';
import { putPayload } from '#db/status/payload/put-payload.ts';
import { findAvoidedNodes } from '#db/status/policy/bad-nodes.ts';
import { findScoutMemory } from '#db/status/policy/scout-memory.ts';
import { confirmSubmission } from '#db/status/submission/confirm-submission.ts';
import { ensureStatistics } from '#db/status/submission/ensure-statistics.ts';
import { putSetup } from '#db/status/submission/put-setup.ts';
import { reserveJobs } from '#db/status/submission/reserve-jobs.ts';
import { lockSubmission, unlockSubmission } from '#db/status/submission/submission-lock.ts';
import { withdrawSubmission } from '#db/status/submission/withdraw-submission.ts';
import { BatchError } from '#model/errors.ts';
import { countOf } from '#util/count-of.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';
import { readAccountAtHost } from '#util/process/read-account-at-host.ts';
import { headOf } from '#util/text/head-of.ts';

import { removeReplaced } from './remove-replaced.ts';
import { checkSiteCommands } from './submission/check-site-commands.ts';
import { describeSubmission } from './submission/describe-submission.ts';
import { findTerms } from './submission/find-terms.ts';
import { makeItems, openDirectoryMaker } from './submission/make-items.ts';
import { prepareSubmission } from './submission/prepare-submission.ts';
import { createSubmissionDirectory, removeSubmissionDirectory } from './submission/submission-directory.ts';

import type { BatchBackend, SubmitOutcome } from '#batch/backend.ts';
import type { Database, Session } from '#db/connect.ts';
import type { Reservation, SubmissionTerms } from '#db/status/submission/reserve-jobs.ts';
import type { Log, Progress } from '#model/log.ts';
import type { Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { CursorOrder } from './cursor-order.ts';
import type { DispatchedPayload } from './payload/prepare-payload.ts';
import type { PhaseClock } from './phase-clock.ts';
import type { DirectoryMaker } from './submission/make-items.ts';

/** What a plan is carried out with. */
export interface ApplyInput {
  /** The plan's session to the status database, with `pg_temp.ready` in it. */
  readonly session: Session;
  /** A pool to the status database, for what must still be written when the session is lost. */
  readonly status: Database;
  readonly prepared: PreparedRule;
  /** How many rows are ready; for progress only. */
  readonly ready: number;
  readonly payload: DispatchedPayload;
  readonly site: Site;
  readonly backend: BatchBackend;
  /** Where jobs reach the gateway. */
  readonly gatewayUrl: string;
  /** Absolute path of `dist/worker`. */
  readonly workerDirectory: string;
  /** What becomes of the production's cursor. */
  readonly cursor?: CursorOrder;
  readonly log: Log;
  readonly progress?: Progress;
  readonly clock?: PhaseClock;
  /** Aborted: no further submission is begun; one that is begun is finished. */
  readonly signal?: AbortSignal;
  /** Called first in every transaction of the dispatch: throws if the caller has lost the right to write. */
  readonly guard?: (transaction: Session) => Promise<void>;
  /** Called at each step, so that a test can stop the process there. */
  readonly onStep?: (step: ApplyStep) => Promise<void> | void;
}

/** The places where the process may die, in order: what holds at each is in `docs/dispatch.md`. */
export type ApplyStep = 'directory' | 'reserved' | 'submitted' | 'confirming' | 'confirmed';

/** What the jobs of a dispatch stage. */
export interface AppliedPayload {
  /** Of the snapshot; `slurp payload show HASH`. */
  readonly hash: string;
  readonly files: number;
  readonly sizeBytes: number;
  /** Something in it is not what its commit has. */
  readonly isDirty: boolean;
  /** What `--doit` overrode. */
  readonly overridden: readonly string[];
}

/** The outcome of a dispatch: what was submitted, and what other dispatchers had taken first. */
export interface Applied {
  readonly submissions: readonly { readonly uuid: string; readonly cluster: number; readonly count: number }[];
  /** Jobs that the batch system has. */
  readonly submitted: number;
  /** Candidates whose product another dispatcher took first. */
  readonly lost: number;
  /** What the batch system has to say about what it took, a sentence each, each once. */
  readonly notes: readonly string[];
  /** What the jobs stage; absent where there were none to submit. */
  readonly payload?: AppliedPayload;
}

/**
 * Carries a plan out: reserves its attempts, hands them to the batch system, confirms. The only writer of a dispatch.
 *
 * Whatever happens on the way, and wherever the process dies, no product gets two live attempts, and what is left half
 * done is finished or taken back by {@link recover}.
 *
 * @throws SiteError (directories, space), RuleError, DatabaseError: nothing of that submission is left;
 * BatchError `batch-refused`: nothing is left; `batch-unknown`: it is cleared up at the next start of a dispatcher
 * @see docs/dispatch.md
 */
export async function applyPlan(input: ApplyInput): Promise<Applied> {
  const { prepared, session, payload } = input;
  const directories = openDirectoryMaker();
  input.clock?.begin('prepare');
  checkSiteCommands(input.site);
  const remarks = await prepareSubmission(session, prepared, input.workerDirectory, directories);
  const terms = await findTerms(session, prepared, input.backend);
  await putPayload(session, { ...payload.snapshot, directory: input.site.payloads.directory });
  const setupId = await putSetup(session, {
    production: prepared.names.production,
    buildarg: prepared.names.buildarg,
    repo: payload.repository.repo,
    dir: prepared.payload.written,
    hash: payload.repository.hash,
    isDirty: payload.isDirty,
    payload: payload.snapshot.hash,
  });
  const { can, findMaxJobs } = input.backend;
  const atMost =
    (findMaxJobs === undefined ? can.maxJobsPerSubmission : await findMaxJobs(input.ready)) ?? 2_147_483_647;
  const submissions: { uuid: string; cluster: number; count: number }[] = [];
  const notes = new Set([...payload.notes, ...remarks]);
  let [submitted, lost, after] = [0, 0, -1];
  while (input.signal?.aborted !== true) {
    const one = await submitOne(input, { setupId, terms, after, atMost, submitted, directories });
    lost += one.lost;
    for (const note of one.notes) notes.add(note);
    if (one.submission !== undefined) {
      submissions.push(one.submission);
      submitted += one.submission.count;
    }
    if ((one.submission?.count ?? 0) + one.lost < atMost) break;
    after = one.last;
  }
  return { submissions, submitted, lost, notes: [...notes], payload: reportPayload(payload) };
}

function reportPayload({ snapshot, isDirty, overridden }: DispatchedPayload): AppliedPayload {
  const { hash, files, sizeBytes } = snapshot;
  return { hash, files: files.length, sizeBytes, isDirty, overridden };
}

interface Position {
  readonly setupId: number;
  readonly terms: SubmissionTerms;
  readonly after: number;
  /** Jobs in one submission. */
  readonly atMost: number;
  readonly submitted: number;
  readonly directories: DirectoryMaker;
}

async function submitOne(input: ApplyInput, position: Position) {
  const { site, session, log } = input;
  const uuid = randomUUID();
  input.clock?.begin('reserve');
  const directory = await createSubmissionDirectory(site, uuid, input.gatewayUrl);
  await input.onStep?.('directory');
  await lockSubmission(session, uuid);
  input.progress?.phase('reserving');
  // If this fails at its commit, it may have been done all the same: the directory shows `recover` that we are gone.
  const reservation = await reserve(input, position, uuid, directory);
  const { reserved: count, lost, last } = reservation;
  if (count === 0) {
    await removeSubmissionDirectory(directory);
    await unlockSubmission(session, uuid);
    return { lost, last, notes: [] };
  }
  log.info({ submission: uuid, count, lost }, 'reserved');
  await input.onStep?.('reserved');

  const outcome = await submit(input, position, { uuid, directory, count });
  await input.onStep?.('submitted');
  if (outcome.kind === 'refused') {
    await withdraw(input, uuid, outcome.reason, directory);
    throw new BatchError(`The batch system refused ${countOf(count, 'job')}: ${outcome.reason}`, {
      code: 'batch-refused',
      facts: { submission: uuid },
      advice: 'None of these jobs exist: fix the cause and run the command again',
    });
  }
  if (outcome.kind === 'unknown') {
    throw new BatchError(
      `It is unknown whether the batch system accepted ${countOf(count, 'job')}: ${outcome.reason}`,
      {
        code: 'batch-unknown',
        facts: { submission: uuid },
        advice: 'Run the command again later: it looks for them first, and never submits them twice',
      },
    );
  }
  await confirm(input, uuid, outcome.cluster);
  await unlockSubmission(session, uuid).catch(() => undefined);
  const { cluster, notes = [] } = outcome;
  log.info({ submission: uuid, count, cluster, ...(notes.length === 0 ? {} : { notes }) }, 'submitted');
  await input.onStep?.('confirmed');
  await removeReplaced(input, uuid);
  input.clock?.end();
  // The jobs are there: what only makes the next decision faster must not fail this dispatch.
  await ensureStatistics(input.status, count).catch((error: unknown) => log.warn({ error }, 'not analyzed'));
  return { lost, last, notes, submission: { uuid, cluster, count } };
}

async function reserve(input: ApplyInput, position: Position, uuid: string, directory: string): Promise<Reservation> {
  const { prepared, session, backend, cursor, payload } = input;
  const host = headOf(hostname(), '.');
  return withDatabaseRetries(() =>
    session.transaction(async (transaction) => {
      await input.guard?.(transaction);
      const reservation = await reserveJobs(transaction, {
        ...{ uuid, host, directory },
        rule: prepared.rule.name,
        backend: backend.name,
        submittedBy: readAccountAtHost(),
        setupId: position.setupId,
        terms: position.terms,
        payload: payload.snapshot.hash,
        payloadOrigin: payload.origin,
        overridden: payload.overridden,
        production: prepared.names.production,
        unblockStates: prepared.options.unblock,
        after: position.after,
        atMost: position.atMost,
      });
      if (cursor?.kind === 'ratchet') await moveCursorUp(transaction, cursor.production, uuid);
      else if (cursor !== undefined && position.after === -1) await moveCursor(transaction, cursor.move);
      return reservation;
    }),
  );
}

async function submit(
  input: ApplyInput,
  position: Position,
  submission: { readonly uuid: string; readonly directory: string; readonly count: number },
): Promise<SubmitOutcome> {
  const { prepared, site, progress, clock } = input;
  progress?.phase('submitting');
  clock?.begin('render');
  const isAvoiding = (prepared.rule.retry ?? site.retry)?.isActive === true;
  const { scoutMemory } = prepared.rule.order;
  const memory = scoutMemory && (await findScoutMemory(input.session, prepared.names.production));
  const items = makeItems({
    ...{ session: input.session, uuid: submission.uuid, prepared, directories: position.directories },
    workerDirectory: input.workerDirectory,
    snapshot: input.payload.snapshot,
    ...present({ memoryMb: memory?.memoryMb }),
    avoidedNodes: isAvoiding ? await findAvoidedNodes(input.session) : [],
    onProgress: (done) => progress?.update(position.submitted + done, input.ready),
    onEnd: () => clock?.begin('submit'),
  });
  try {
    const common = describeSubmission(prepared, site, input.workerDirectory);
    return await input.backend.submit({ ...submission, ...common }, items);
  } catch (error) {
    // The items broke off, so the batch system has nothing.
    await withdraw(input, submission.uuid, describeError(error), submission.directory);
    throw error;
  }
}

async function withdraw(input: ApplyInput, uuid: string, reason: string, directory: string): Promise<void> {
  await withDatabaseRetries(() =>
    input.status.transaction(async (session) => {
      await input.guard?.(session);
      await withdrawSubmission(session, { uuid, state: 'refused', reason, by: 'kaedama' });
    }),
  );
  await removeSubmissionDirectory(directory);
  input.log.warn({ submission: uuid, reason }, 'taken back');
}

async function confirm(input: ApplyInput, uuid: string, cluster: number): Promise<void> {
  input.progress?.phase('confirming');
  input.clock?.begin('confirm');
  const isOurs = await withDatabaseRetries(() =>
    input.status.transaction(async (session) => {
      await input.guard?.(session);
      const isConfirmed = await confirmSubmission(session, uuid, cluster);
      await input.onStep?.('confirming');
      return isConfirmed;
    }),
  );
  if (isOurs) return;
  // Another process took us for dead and retired the attempts: their jobs would be stopped by the fence at their start.
  await input.backend.remove({ uuid }, 'the submission was withdrawn');
  throw new BatchError(`The submission '${uuid}' was withdrawn by another dispatcher while it was in progress`, {
    code: 'batch-withdrawn',
    advice: 'Its jobs were removed; run the command again',
  });
}
