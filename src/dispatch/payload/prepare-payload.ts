import { unlockPayload } from '#db/status/payload/payload-lock.ts';
import { codeOf } from '#util/code-of.ts';
import { countOf } from '#util/count-of.ts';
import { formatSize } from '#util/text/format-size.ts';

import { checkPayload } from './check-payload.ts';
import { ensureSnapshot } from './snapshot/ensure-snapshot.ts';
import { surveyPayload } from './survey/survey-payload.ts';

import type { Session } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { PayloadOrigin } from '#model/payload.ts';
import type { Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { PhaseClock } from '../phase-clock.ts';
import type { PayloadRepository } from './payload-repository.ts';
import type { Snapshot } from './snapshot/ensure-snapshot.ts';
import type { PayloadSurvey } from './survey/survey-payload.ts';

/** What the jobs of a dispatch stage, and what is recorded about it. */
export interface DispatchedPayload {
  readonly repository: Pick<PayloadRepository, 'repo' | 'hash'>;
  readonly snapshot: Snapshot;
  readonly origin: PayloadOrigin;
  /** Something staged from a checkout is not what its commit has. */
  readonly isDirty: boolean;
  /** What would have refused the dispatch without `--doit`, a sentence each. */
  readonly overridden: readonly string[];
  /** What the operator should know, a sentence each. */
  readonly notes: readonly string[];
}

/** The inputs of {@link preparePayload}. Without `mayGoOn` saying so, nothing doubtful is staged. */
export interface PreparePayloadInput {
  readonly prepared: PreparedRule;
  readonly site: Site;
  /** Of the plan; holds the snapshot until {@link unlockPayload}. */
  readonly session: Session;
  readonly isForced: boolean;
  /** Called with what is doubtful about the payload, if anything is; decides whether to go on. */
  readonly mayGoOn: (doubts: readonly string[]) => Promise<boolean>;
  readonly log: Log;
  readonly clock?: PhaseClock;
  /** What was read already, or is being read; absent: it is read now. */
  readonly survey?: Promise<PayloadSurvey>;
}

/** Each job copies it: from here on the size is reported to the operator. */
const largeBytes = 100_000_000;

const tries = 3;

/**
 * Reads what the jobs of a rule would stage, checks that they may be made from it, and makes or finds its snapshot.
 *
 * @returns undefined if `mayGoOn` said no
 * @throws SiteError about the payload; DatabaseError
 * @see docs/decisions/payload-snapshots.md
 */
export async function preparePayload(input: PreparePayloadInput): Promise<DispatchedPayload | undefined> {
  const { prepared, site, session, clock, log, isForced } = input;
  for (let left = tries - 1; ; left -= 1) {
    clock?.begin('payload');
    const surveyBegin = performance.now();
    const early = left === tries - 1 ? input.survey : undefined;
    const survey = await (early ?? surveyPayload(prepared, site));
    const { build } = prepared.names.production;
    const { doubts, overridden } = checkPayload(survey, { mode: site.mode, build, isForced });
    const surveyMs = performance.now() - surveyBegin;
    clock?.end();
    if (doubts.length > 0 && !(await input.mayGoOn(doubts))) return undefined;
    clock?.begin('payload');
    const begin = performance.now();
    try {
      const snapshot = await ensureSnapshot({ survey, site, session, log });
      const seconds = (surveyMs + performance.now() - begin) / 1000;
      const { repository, origin, isDirty } = survey;
      log.info({ payload: snapshot.hash, wasMade: snapshot.wasMade, sizeBytes: snapshot.sizeBytes }, 'payload');
      return { repository, snapshot, origin, isDirty, overridden, notes: makeNotes(snapshot, seconds) };
    } catch (error) {
      await unlockPayload(session, survey.manifest.hash).catch(() => undefined);
      // Edited since it was read: what was asked about is not what would run.
      if (codeOf(error) !== 'site-payload-changing' || left === 0) throw error;
    } finally {
      clock?.end();
    }
  }
}

function makeNotes({ hash, files, sizeBytes, wasMade, fault }: Snapshot, seconds: number): readonly string[] {
  const notes: string[] = [];
  const name = `payload snapshot '${hash.slice(0, 12)}'`;
  if (fault !== undefined) notes.push(`The ${name} was damaged and was created again: ${fault}`);
  if (sizeBytes > largeBytes) {
    const what = `${formatSize(sizeBytes)} in ${countOf(files.length, 'file')}`;
    notes.push(
      `The ${name} has ${what}, ${wasMade ? 'created' : 'found'} in ${seconds.toFixed(1)} s; each job copies it`,
    );
  }
  for (const { kind, path } of files) {
    if (kind !== 'in-place') continue;
    notes.push(`The program '${path}' is started in place: waiting jobs run its content at the time they start`);
  }
  return notes;
}
