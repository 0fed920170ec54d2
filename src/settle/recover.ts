import { withDatabaseRetries } from '#db/retry.ts';
import { confirmSubmission } from '#db/status/submission/confirm-submission.ts';
import { findUnconfirmed } from '#db/status/submission/find-unconfirmed.ts';
import { claimSubmissionLock, unlockSubmission } from '#db/status/submission/submission-lock.ts';
import { withdrawSubmission } from '#db/status/submission/withdraw-submission.ts';
import {
  findSubmitter,
  removeSubmissionDirectory,
  submissionDirectoryOf,
} from '#dispatch/submission/submission-directory.ts';
import { countOf } from '#util/count-of.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Session } from '#db/connect.ts';
import type { UnconfirmedSubmission } from '#db/status/submission/find-unconfirmed.ts';
import type { Log, Say } from '#model/log.ts';
import type { Recovered } from '#model/report/reconciled.ts';
import type { Site } from '#model/site.ts';

/** The inputs of {@link recover}: unconfirmed submissions of all rules of the site. */
export interface RecoverInput {
  readonly status: Database;
  readonly site: Site;
  readonly backend: BatchBackend;
  readonly log: Log;
  /** Told in one line of each thing that was done, or that has to wait. */
  readonly say: Say;
  /** Nothing is changed: the result says what would be done. */
  readonly isReportOnly?: boolean;
}

/** A submitter of which nothing can be known (another host, a directory that is gone) is taken for dead after this. */
const silentSubmitterMs = 15 * 60_000;

/**
 * Finishes what a dispatcher left that died between reserving and confirming: asks the batch system by uuid. Found:
 * confirmed. Surely absent: taken back, and what it had replaced is live again. No answer, or a submitter that may still
 * be at work: it waits. Called at each start of a dispatcher; two at once are safe.
 *
 * @throws DatabaseError
 * @see docs/dispatch.md
 */
export async function recover(input: RecoverInput): Promise<Recovered> {
  const counts = { confirmed: 0, withdrawn: 0, waiting: 0, unknown: 0 };
  const unconfirmed = await findUnconfirmed(input.status, input.backend.name);
  if (unconfirmed.length === 0) return counts;
  await input.status.session(async (session) => {
    for (const submission of unconfirmed) counts[await recoverOne(input, session, submission)] += 1;
  });
  return counts;
}

async function recoverOne(
  input: RecoverInput,
  session: Session,
  submission: UnconfirmedSubmission,
): Promise<keyof Recovered> {
  const { uuid } = submission;
  // A dispatcher that is still at work on it holds the lock; below are those that lost it, or died.
  if (!(await claimSubmissionLock(session, uuid))) return 'waiting';
  try {
    if (await canStillAppear(input, submission)) return 'waiting';
    return await settle(input, submission);
  } finally {
    await unlockSubmission(session, uuid);
  }
}

async function canStillAppear(input: RecoverInput, submission: UnconfirmedSubmission): Promise<boolean> {
  const { uuid, count, ageMs } = submission;
  const submitter = await findSubmitter(submission.directory ?? submissionDirectoryOf(input.site, uuid));
  if (submitter === 'alive') return true;
  // A process that settles does not submit at the same time: what it left itself, in an earlier cycle, it has given up.
  const isOver = submitter === 'gone' || submitter === 'ourselves';
  const boundMs = isOver ? input.backend.can.submitSettlesMs : silentSubmitterMs;
  if (ageMs >= boundMs) return false;
  const seconds = Math.ceil((boundMs - ageMs) / 1000);
  input.say(
    `${countOf(count, 'job')} of '${submission.rule}' may still reach the batch system: checking again in ${seconds} s`,
  );
  return true;
}

async function settle(input: RecoverInput, submission: UnconfirmedSubmission): Promise<keyof Recovered> {
  const { uuid, rule, count } = submission;
  const answer = await input.backend.findSubmissions([uuid]);
  const found = answer.kind === 'unknown' ? undefined : answer.value.find((report) => report.uuid === uuid);
  const doubt = answer.kind === 'unknown' ? answer.reason : answer.unread?.[0]?.reason;
  if (found === undefined && doubt !== undefined) {
    input.say(`The batch system does not report whether it has ${countOf(count, 'job')} of '${rule}': ${doubt}`);
    return 'unknown';
  }
  const isConfirmed = found !== undefined || submission.hasSpoken;
  if (input.isReportOnly === true) {
    const would = isConfirmed ? 'confirm' : 'take back';
    input.say(`Would ${would} ${countOf(count, 'job')} of '${rule}' of an interrupted dispatch`);
    return isConfirmed ? 'confirmed' : 'withdrawn';
  }
  if (isConfirmed) {
    const isDone = await withDatabaseRetries(() =>
      input.status.transaction((session) => confirmSubmission(session, uuid, found?.cluster)),
    );
    if (!isDone) return 'waiting';
    input.log.info({ submission: uuid, count, cluster: found?.cluster }, 'found in the batch system and confirmed');
    input.say(`Found ${countOf(count, 'job')} of '${rule}' that an interrupted dispatch had submitted`);
    return 'confirmed';
  }
  const retired = await withDatabaseRetries(() =>
    input.status.transaction((session) =>
      withdrawSubmission(session, {
        uuid,
        state: 'lost',
        reason: 'the dispatch was interrupted before the batch system received the jobs',
        by: 'recover',
      }),
    ),
  );
  if (retired === 0) return 'waiting';
  await removeSubmissionDirectory(submission.directory ?? submissionDirectoryOf(input.site, uuid));
  input.log.info({ submission: uuid, count: retired }, 'never reached the batch system: taken back');
  input.say(`Took back ${countOf(retired, 'job')} of '${rule}' that an interrupted dispatch had not submitted`);
  return 'withdrawn';
}
