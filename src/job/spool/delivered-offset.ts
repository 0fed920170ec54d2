import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Where the offsets of a spool are kept: beside it, a line each. */
function fileOf(spool: string): string {
  return `${spool}.delivered`;
}

/** Calls that overtake each other are few: the highest offset is among the last lines. */
const tailBytes = 4096;

/**
 * Reads up to where a spool was acknowledged by the gateway.
 *
 * @returns a byte offset; 0 where nothing is known. May be too low (parallel calls overtake each other), which costs
 * another delivery, and never too high
 */
export function readDeliveredOffset(spool: string): number {
  try {
    const lines = readTail(fileOf(spool)).split('\n');
    return Math.max(0, ...lines.filter((line) => /^\d{1,15}$/u.test(line)).map(Number));
  } catch {
    return 0;
  }
}

function readTail(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const from = Math.max(size - tailBytes, 0);
    const bytes = Buffer.alloc(size - from);
    // The first line may have lost its beginning, which makes it a lower number: never too high.
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from));
  } finally {
    closeSync(file);
  }
}

/**
 * Writes an offset down, unless a higher one is there. Never throws: what is delivered twice counts once.
 *
 * Appended, for a file that is renamed over another is written to the disk at once by some file systems (20 ms on ext4).
 * The newline comes first too, so that what is left of a number that was cut short is a lower number.
 */
export function putDeliveredOffset(spool: string, offset: number): void {
  if (readDeliveredOffset(spool) >= offset) return;
  try {
    appendFileSync(fileOf(spool), `\n${offset}\n`);
  } catch {
    // No space for a few bytes: the next call delivers again.
  }
}
