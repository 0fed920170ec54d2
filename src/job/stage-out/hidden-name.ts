import { assertPresent } from '#util/assert-present.ts';

/** Longest name that every usual file system takes, in bytes: eCryptfs has 143, most others 255. */
const maxBytes = 143;

/**
 * Makes the name of a hidden file beside another: `.NAME` and an ending, NAME cut where the whole would be too long.
 *
 * @param ending ASCII; says what the file is and makes the name unique, e.g. `.7-0.1f2e3d4c.part`
 * @returns at most 143 bytes; cut between characters
 */
export function makeHiddenName(name: string, ending: string): string {
  const bytes = Buffer.from(name);
  let length = Math.min(bytes.length, maxBytes - 1 - ending.length);
  // A byte 10xxxxxx continues a character: the cut would be inside of it.
  while (length < bytes.length && (assertPresent(bytes[length], 'a byte') & 0b1100_0000) === 0b1000_0000) length -= 1;
  return `.${bytes.toString('utf8', 0, length)}${ending}`;
}
