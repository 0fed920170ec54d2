/**
 * The error conditions that a job can name (`cups message --error NAME`), as bits of `production_status.flags`. The
 * numbers are part of the contract with existing readers; bit 32 does not fit 32 bits, so flags are handled as numbers,
 * never with `|`.
 *
 * @see docs/commands/cups.md
 */
export const errorFlags = {
  none: 0,
  success: 0,
  'payload-stagein-failed': 2 ** 0,
  'dst-stagein-failed': 2 ** 1,
  'dst-stageout-failed': 2 ** 2,
  'hist-stageout-failed': 2 ** 3,
  'gpfs-failure': 2 ** 4,
  'lustre-failure': 2 ** 5,
  'failed-input-list': 2 ** 8,
  'no-gl1-files': 2 ** 9,
  'no-intt-files': 2 ** 10,
  'no-mvtx-files': 2 ** 11,
  'no-tpc-files': 2 ** 12,
  'no-seb-files': 2 ** 13,
  sighup: 2 ** 16,
  sigint: 2 ** 17,
  sigkill: 2 ** 18,
  sigpipe: 2 ** 19,
  sigusr1: 2 ** 20,
  sigusr2: 2 ** 21,
  'software-fault': 2 ** 32,
} as const;

/** The bit of a stage-out that failed: histograms have one of their own. */
export function stageOutFlagOf(lfn: string): number {
  return errorFlags[lfn.startsWith('HIST_') ? 'hist-stageout-failed' : 'dst-stageout-failed'];
}

/** Tells the bit of an error condition; undefined for a word that names none. */
export function flagOf(name: string): number | undefined {
  return Object.entries(errorFlags).find(([known]) => known === name)?.[1];
}
