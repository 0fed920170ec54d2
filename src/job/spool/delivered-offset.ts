import { appendFileSync, readFileSync } from 'node:fs';

/** Where the offsets of a spool are kept: beside it, a line each. */
function fileOf(spool: string): string {
  return `${spool}.delivered`;
}

/**
 * Reads up to where a spool was acknowledged by the gateway.
 *
 * @returns a byte offset; 0 where nothing is known. May be too low (parallel calls overtake each other), which costs
 * another telling, and never too high
 */
export function readDeliveredOffset(spool: string): number {
  try {
    const lines = readFileSync(fileOf(spool), 'utf8').split('\n');
    // One by one: a job that tells a report a second has more lines in a few days than a call may have arguments.
    return lines.reduce((most, line) => (/^\d{1,15}$/u.test(line) ? Math.max(most, Number(line)) : most), 0);
  } catch {
    return 0;
  }
}

/**
 * Writes an offset down, unless a higher one is there. Never throws: what is told twice counts once.
 *
 * Appended, for a file that is renamed over another is written to the disk at once by some file systems (20 ms on ext4).
 * The newline comes first too, so that what is left of a number that was cut short is a lower number.
 */
export function putDeliveredOffset(spool: string, offset: number): void {
  if (readDeliveredOffset(spool) >= offset) return;
  try {
    appendFileSync(fileOf(spool), `\n${offset}\n`);
  } catch {
    // No space for a few bytes: the next call tells again.
  }
}
