import { assertPresent } from '../assert-present.ts';

/** Something in a file that no text has; line and column count from 1. */
export interface TextProblem {
  readonly line: number;
  readonly column: number;
  /** One sentence without full stop. */
  readonly message: string;
  /** What goes on behind "expected". */
  readonly expected: string;
}

/** The text of a file, and which of its bytes are none. */
export interface DecodedText {
  /** Without a byte order mark; what could not be decoded is U+FFFD, and a problem. */
  readonly text: string;
  /** The first of each line, in order, ten at most. */
  readonly problems: readonly TextProblem[];
}

const mostProblems = 10;

/**
 * Decodes the bytes of a text file: UTF-8, or UTF-16 after a byte order mark, as PyYAML does. Never throws.
 *
 * @see findOddCharacters for what can be decoded and is no text all the same
 */
export function decodeText(bytes: Uint8Array): DecodedText {
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe;
  const isBig = bytes[0] === 0xfe && bytes[1] === 0xff;
  if (isLittle || isBig) {
    const text = new TextDecoder(isLittle ? 'utf-16le' : 'utf-16be').decode(bytes);
    const cut = { line: 1, column: 1, message: 'The last UTF-16 character is cut off', expected: 'a complete file' };
    return { text, problems: bytes.length % 2 === 1 ? [cut] : [] };
  }
  const text = new TextDecoder('utf-8').decode(bytes);
  return { text, problems: text.includes('\uFFFD') ? findWrongBytes(bytes) : [] };
}

/**
 * Finds characters that no text has: control characters but tabs and line breaks, the line separators that only some
 * programs take for line breaks, byte order marks that are not at the beginning, halves of UTF-16 pairs.
 *
 * @returns the first of each line, in order, ten at most
 */
export function findOddCharacters(text: string): readonly TextProblem[] {
  const problems: TextProblem[] = [];
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const found = oddCharacter.exec(line);
    if (found === null) continue;
    problems.push({ line: index + 1, column: found.index + 1, ...describeCharacter(found[0]) });
    // A file with NULs has one on every line.
    if (problems.length === mostProblems || found[0] === '\0') break;
  }
  return problems;
}

const oddCharacter = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u2028\u2029\uFEFF\uFFFE\uFFFF]|\p{Surrogate}/u;

function describeCharacter(character: string): Pick<TextProblem, 'message' | 'expected'> {
  const code = character.charCodeAt(0);
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (code === 0) return { message: 'NUL character', expected: 'text; a file in UTF-16 needs its byte order mark' };
  if (code === 0x85 || code === 0x2028 || code === 0x2029) {
    return { message: `Line separator ${name}`, expected: 'an ordinary line break, or a space' };
  }
  if (code === 0xfeff) return { message: `Byte order mark ${name} inside the file`, expected: 'text without it' };
  if (code >= 0xd800) return { message: `${name} is not a character`, expected: 'text without it' };
  return { message: `Control character ${name}`, expected: 'text without it' };
}

/** The first byte of each line that is not UTF-8. No byte of a longer character is a line break. */
function findWrongBytes(bytes: Uint8Array): readonly TextProblem[] {
  const problems: TextProblem[] = [];
  let line = 1;
  for (let start = 0; start <= bytes.length && problems.length < mostProblems; line += 1) {
    const end = endOfLine(bytes, start);
    const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start, end));
    const column = findFirstWrong(bytes.subarray(start, end), decoded);
    if (column !== undefined) {
      const byte = assertPresent(bytes[start + Buffer.byteLength(decoded.slice(0, column))], 'the wrong byte');
      const hex = `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      const latin = byte >= 0xa0 ? ` (in Latin-1 it is '${String.fromCharCode(byte)}')` : '';
      const message = `Byte ${hex} is not UTF-8${latin}`;
      // The byte order mark of the first line stands in no column.
      const shift = decoded.startsWith('\uFEFF') && line === 1 ? 0 : 1;
      problems.push({ line, column: column + shift, message, expected: 'a file in UTF-8' });
    }
    start = end + (bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? 2 : 1);
  }
  return problems;
}

function endOfLine(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at += 1) if (bytes[at] === 0x0a || bytes[at] === 0x0d) return at;
  return bytes.length;
}

/** Index in `decoded` of the first character that stands for bytes that are none: written again, it would differ. */
function findFirstWrong(bytes: Uint8Array, decoded: string): number | undefined {
  let byte = 0;
  for (let at = 0; at < decoded.length;) {
    const character = String.fromCodePoint(assertPresent(decoded.codePointAt(at), 'a character'));
    const again = Buffer.from(character);
    if (!again.equals(bytes.subarray(byte, byte + again.length))) return at;
    byte += again.length;
    at += character.length;
  }
  return undefined;
}
