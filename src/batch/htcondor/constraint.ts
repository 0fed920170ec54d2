import { isUuid } from '#util/is-uuid.ts';

/** More are asked for in several calls: a command line has its limits, and so has the patience of a schedd. */
export const idsInOneCall = 2000;

/**
 * The expression that jobs of these submissions fulfil, and no others. What is not a uuid is passed over.
 *
 * @returns undefined where no job can
 */
export function makeSubmissionConstraint(uuids: readonly string[]): string | undefined {
  const proper = uuids.filter(isUuid);
  const [first, ...others] = proper;
  if (first === undefined) return undefined;
  if (others.length === 0) return `SlurpSubmission == "${first}"`;
  return `member(SlurpSubmission, {${proper.map((uuid) => `"${uuid}"`).join(', ')}})`;
}

/**
 * The expression that single jobs fulfil. The ad of a factory itself looks like its first job, and to remove it is to
 * remove all that are not made yet (measured on 23.9): it has no ProcId.
 */
export function makeJobConstraint(cupsids: readonly number[]): string {
  const proper = cupsids.filter((cupsid) => Number.isSafeInteger(cupsid));
  return `ProcId >= 0 && member(SlurpCupsid, {${proper.join(', ')}})`;
}

/** Cuts a list into pieces of `size`, the last of which may be shorter; none of an empty list. */
export function piecesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const pieces: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += size) pieces.push(items.slice(from, from + size));
  return pieces;
}
