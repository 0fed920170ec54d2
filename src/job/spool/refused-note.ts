import { existsSync, writeFileSync } from 'node:fs';

/** A file beside the spool, there as soon as the gateway has not taken one of its reports. */
function fileOf(spool: string): string {
  return `${spool}.refused`;
}

/** Notes that the gateway did not take a report, and never will: the spool is to come home. Never throws. */
export function recordRefused(spool: string): void {
  try {
    writeFileSync(fileOf(spool), '');
  } catch {
    // No space for a name: it was said on stderr.
  }
}

/** Returns whether {@link recordRefused} was called for that spool, by whichever process. Never throws. */
export function hasRefused(spool: string): boolean {
  return existsSync(fileOf(spool));
}
