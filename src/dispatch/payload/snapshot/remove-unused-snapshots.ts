import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { findPayloads, markPruned } from '#db/status/payload/find-payloads.ts';
import { withPayloadAlone } from '#db/status/payload/payload-lock.ts';
import { codeOf } from '#util/code-of.ts';

import { isSnapshotName } from './snapshot-place.ts';
import { draftPrefix } from './write-snapshot.ts';

import type { Database, Session } from '#db/connect.ts';
import type { PayloadStore } from '#model/site.ts';

/** The inputs of {@link removeUnusedSnapshots}; `store.keepMs` says how long a snapshot is kept. */
export interface PruneInput {
  readonly store: PayloadStore;
  readonly status: Database;
  /** Reports what would go, and changes nothing. */
  readonly isDryRun?: boolean;
}

/**
 * The snapshots that were removed (in a dry run: that would be), their size in all, and how many stay for which
 * reason.
 */
export interface Pruned {
  /** Hashes of snapshots. */
  readonly removed: readonly string[];
  readonly sizeBytes: number;
  /** Snapshots that jobs may still need, whatever their age. */
  readonly needed: number;
  /** Snapshots that are not old enough. */
  readonly recent: number;
}

/** What a process that died left half made goes after this long. */
const draftMs = 24 * 3600 * 1000;

/**
 * Removes snapshots that no attempt which can still run needs, and that no dispatch has used for as long as the site
 * says; and what was left half made. What they held stays recorded. Safe beside dispatches at the same moment.
 *
 * @throws DatabaseError; an error of the operating system
 */
export async function removeUnusedSnapshots({ store, status, isDryRun = false }: PruneInput): Promise<Pruned> {
  const names = await readdir(store.directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  if (!isDryRun) await removeLeftovers(store, names);
  const removed: string[] = [];
  const result = { removed, sizeBytes: 0, needed: 0, recent: 0 };
  const old: string[] = [];
  for (const hash of names.filter(isSnapshotName)) {
    // What was made later was used later: only for the others the database has to be asked.
    const madeAt = await readModifiedTime(join(store.directory, hash));
    if (madeAt === undefined || Date.now() - madeAt < store.keepMs) result.recent += 1;
    else old.push(hash);
  }
  if (old.length === 0) return result;
  const rows = new Map((await findPayloads(status, { hashes: old })).map((row) => [row.hash, row]));
  await status.session(async (session) => {
    for (const hash of old) {
      const row = rows.get(hash);
      if ((row?.openSubmissions ?? 0) > 0) result.needed += 1;
      else if (row !== undefined && Date.now() - row.usedAt.getTime() < store.keepMs) result.recent += 1;
      else if (isDryRun || (await removeOne(session, store, hash))) {
        removed.push(hash);
        result.sizeBytes += row?.sizeBytes ?? 0;
      } else result.needed += 1;
    }
  });
  return result;
}

/** Looks again under the lock: a dispatch may have begun to use it since. @returns whether it was removed */
async function removeOne(session: Session, { directory, keepMs }: PayloadStore, hash: string): Promise<boolean> {
  const aside = join(directory, `${draftPrefix}pruned-${randomUUID()}`);
  const isRemoved = await withPayloadAlone(session, hash, async () => {
    const [row] = await findPayloads(session, { hashes: [hash] });
    if (row !== undefined && (row.openSubmissions > 0 || Date.now() - row.usedAt.getTime() < keepMs)) return false;
    await rename(join(directory, hash), aside);
    await markPruned(session, hash);
    return true;
  });
  if (isRemoved === true) await rm(aside, { recursive: true, force: true });
  return isRemoved === true;
}

/** Drafts of processes that died, snapshots that were damaged, and hashes of payloads that are not dispatched any more. */
async function removeLeftovers({ directory, keepMs }: PayloadStore, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const ageMs = name.startsWith(draftPrefix) ? draftMs : /^known-[0-9a-f]+\.json/u.test(name) ? keepMs : undefined;
    if (ageMs === undefined) continue;
    const path = join(directory, name);
    const at = await readModifiedTime(path);
    if (at !== undefined && Date.now() - at > ageMs) await rm(path, { recursive: true, force: true });
  }
}

/** When something was last put there or renamed; undefined where it is gone. */
async function readModifiedTime(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.ctimeMs;
}
