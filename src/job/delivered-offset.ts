import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Where the offset of a spool is kept: beside it. */
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
    const text = readFileSync(fileOf(spool), 'utf8');
    return /^\d{1,15}\n$/u.test(text) ? Number(text) : 0;
  } catch {
    return 0;
  }
}

/** Puts the offset in its place in one step, unless a higher one is there. Never throws: what is told twice counts once. */
export function putDeliveredOffset(spool: string, offset: number): void {
  if (readDeliveredOffset(spool) >= offset) return;
  const temporary = `${fileOf(spool)}.${process.pid}`;
  try {
    writeFileSync(temporary, `${offset}\n`);
    renameSync(temporary, fileOf(spool));
  } catch {
    // No space for a few bytes: the next call tells again.
  }
}
