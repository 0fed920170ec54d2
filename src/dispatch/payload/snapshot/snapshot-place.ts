import { join, posix } from 'node:path';

import type { Manifest } from './manifest.ts';

/** The parts of a snapshot on disk; absolute paths. */
export interface SnapshotPlace {
  /** All of it: `PAYLOADS/HASH`. */
  readonly directory: string;
  readonly manifestFile: string;
  /** Everything that jobs stage lies in here. */
  readonly files: string;
  /** What stands for the submit directory: below `files` by as many levels as paths go up from it. */
  readonly stageDirectory: string;
}

/** Name of the directories that stand for those above; hidden, so that `../*` does not name them. */
const upName = '.up';

/** Reports where the parts of a snapshot are in its directory. */
export function snapshotPlaceOf(directory: string, { depth }: Pick<Manifest, 'depth'>): SnapshotPlace {
  const files = join(directory, 'files');
  const up = Array.from({ length: depth }, () => upName);
  return { directory, manifestFile: join(directory, 'manifest'), files, stageDirectory: join(files, ...up) };
}

/** Turns a path below {@link SnapshotPlace.files} into one as jobs name it; `.` for the stage directory. */
export function toStagedPath(pathInFiles: string, { files, stageDirectory }: SnapshotPlace): string {
  const path = posix.relative(stageDirectory, posix.join(files, pathInFiles));
  return path === '' ? '.' : path;
}

/** Tells a snapshot's directory from others in the place of snapshots. */
export function isSnapshotName(name: string): boolean {
  return /^[0-9a-f]{40}$/u.test(name);
}
