import { randomUUID } from 'node:crypto';
import { join, posix } from 'node:path';

import { lockPayload, withPayloadMaking } from '#db/status/payload/payload-lock.ts';
import { SiteError, SlurpError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { present } from '#util/present.ts';

import { snapshotPlaceOf } from './snapshot-place.ts';
import { findSnapshotFault } from './verify-snapshot.ts';
import { draftPrefix, writeSnapshot } from './write-snapshot.ts';

import type { Session } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { PayloadFile } from '#model/payload.ts';

import type { PayloadSite, PayloadSurvey } from '../survey/survey-payload.ts';

/** An immutable copy of all that the jobs of a dispatch stage. */
export interface Snapshot {
  readonly hash: string;
  /** Absolute; what stands for the submit directory in the pair `{PWD} {rsync}` of the jobs' arguments. */
  readonly stageDirectory: string;
  /** By absolute path of what the batch system would take: where it is in the snapshot; absolute. */
  readonly moved: ReadonlyMap<string, string>;
  readonly files: readonly PayloadFile[];
  readonly sizeBytes: number;
  /** It was not there, or could not be used as it was. */
  readonly wasMade: boolean;
  /** What was wrong with the one that was there, where something was. */
  readonly fault?: string;
}

/** The inputs of {@link ensureSnapshot}; `session` must stay open until the jobs are submitted. */
export interface KeepInput {
  readonly survey: PayloadSurvey;
  readonly site: PayloadSite;
  /** Of the dispatch; the snapshot is held for it until {@link unlockPayload}. */
  readonly session: Session;
  readonly log: Log;
}

/**
 * Finds the snapshot of what a survey read, or makes it. One that was found is checked file by file; one that is not what
 * its name says is moved aside and replaced. If several dispatchers need it at once, one makes it.
 *
 * @throws SiteError `site-payload-changing` if the payload is not what the survey read any more; `site-payloads-directory`
 * if it cannot be made; DatabaseError
 */
export async function ensureSnapshot({ survey, site, session, log }: KeepInput): Promise<Snapshot> {
  const { manifest, known, moved } = survey;
  const store = site.payloads.directory;
  if (/[\s,]/u.test(store))
    throw makeStoreError(store, 'its path has a space or comma, which separate what jobs are given');
  const directory = join(store, manifest.hash);
  const { stageDirectory } = snapshotPlaceOf(directory, manifest);
  const result = {
    ...{ hash: manifest.hash, stageDirectory, files: manifest.files, sizeBytes: manifest.sizeBytes },
    moved: new Map([...moved].map(([path, staged]) => [path, posix.join(stageDirectory, staged)])),
  };
  await lockPayload(session, manifest.hash);
  try {
    if ((await findSnapshotFault(directory, manifest, known)) === undefined) return { ...result, wasMade: false };
    await createDirectory(store);
    const fault = await withPayloadMaking(session, store, () => make(store, survey, log));
    return { ...result, wasMade: true, ...present({ fault }) };
  } catch (error) {
    if (error instanceof SlurpError) throw error;
    throw makeStoreError(store, describeError(error, store), error);
  } finally {
    await known.save();
  }
}

/** @returns what was wrong with the snapshot that was there */
async function make(store: string, survey: PayloadSurvey, log: Log): Promise<string | undefined> {
  const { manifest, known } = survey;
  const directory = join(store, manifest.hash);
  const before = await findSnapshotFault(directory, manifest, known);
  if (before === undefined) return undefined;
  const reason = before === 'absent' ? undefined : before.reason;
  if (reason !== undefined) {
    log.warn({ payload: manifest.hash, fault: reason }, 'a payload snapshot is damaged: creating it again');
  }
  const aside = reason === undefined ? undefined : join(store, `${draftPrefix}damaged-${randomUUID()}`);
  if ((await writeSnapshot(store, survey, aside)) === 'exists') {
    const after = await findSnapshotFault(directory, manifest, known);
    if (after !== undefined) throw makeStoreError(store, after === 'absent' ? 'it does not exist' : after.reason);
  }
  // Jobs that copy from it at this moment must find it: pruning removes it.
  return reason;
}

function makeStoreError(store: string, reason: string, cause?: unknown): SiteError {
  return new SiteError(`The payload snapshot cannot be created in '${store}': ${reason}`, {
    code: 'site-payloads-directory',
    ...present({ cause }),
    advice: "Fix that, or set another 'payloads.directory' in the site file; nothing was submitted",
  });
}
