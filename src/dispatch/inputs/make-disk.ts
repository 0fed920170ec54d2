import { findDangling } from './find-dangling.ts';
import { readDirectories } from './read-directories.ts';

import type { Disk } from '#db/decide/decision-request.ts';

import type { ListingBounds } from './read-directories.ts';

/** Bounds of a look that nothing depends on. */
export const surveyBounds: ListingBounds = { directoryMs: 5000, allMs: 10_000 };

/** The file system of this machine, for a decision. @param bounds those of a dispatch, unless given */
export function makeDisk(bounds?: ListingBounds): Disk {
  return { list: (directories) => readDirectories(directories, bounds), findDangling };
}
