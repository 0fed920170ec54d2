import { describe, expect, it } from 'vitest';

import { decodeText, findOddCharacters } from '#util/text/decode-text.ts';

function problemsOf(bytes: Uint8Array): readonly string[] {
  return decodeText(bytes).problems.map(
    ({ line, column, message, expected }) => `${line}:${column}: ${message}: expected ${expected}`,
  );
}

describe('bytes of a file', () => {
  it('are UTF-8, with or without a byte order mark', () => {
    const text = 'a: é😀\uFFFD\n';
    expect(decodeText(Buffer.from(text))).toEqual({ text, problems: [] });
    expect(decodeText(Buffer.from(`\uFEFF${text}`))).toEqual({ text, problems: [] });
  });

  it('are UTF-16 after its byte order mark, in either order', () => {
    const text = 'a: é😀\n';
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le');
    expect(decodeText(little)).toEqual({ text, problems: [] });
    expect(decodeText(Buffer.from(little).swap16())).toEqual({ text, problems: [] });
    expect(problemsOf(little.subarray(0, little.length - 1))).toEqual([
      '1:1: The last UTF-16 character is cut off: expected a complete file',
    ]);
  });

  it('are refused with the place of the first in each line that is not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('\uFEFFa: 1\r\nb: é😀', 'utf8'),
      Buffer.from('ü, ö\n', 'latin1'),
      Buffer.from('\uFFFD fine\rcut: '),
      Buffer.from('é').subarray(0, 1),
    ]);
    expect(problemsOf(bytes)).toEqual([
      "2:7: Byte 0xFC is not UTF-8 (in Latin-1 it is 'ü'): expected a file in UTF-8",
      "4:6: Byte 0xC3 is not UTF-8 (in Latin-1 it is 'Ã'): expected a file in UTF-8",
    ]);
    expect(problemsOf(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0x80]))).toEqual([
      '1:2: Byte 0x80 is not UTF-8: expected a file in UTF-8',
    ]);
  });

  it('are complained of ten times at most', () => {
    expect(problemsOf(Buffer.from('é\n'.repeat(50), 'latin1'))).toHaveLength(10);
    expect(findOddCharacters('\u0007\n'.repeat(50))).toHaveLength(10);
    expect(findOddCharacters('\0\n'.repeat(50))).toHaveLength(1);
  });
});

it.each([
  ['\0', 'NUL character', 'text; a file in UTF-16 needs its byte order mark'],
  ['\u0007', 'Control character U+0007', 'text without it'],
  ['\u000c', 'Control character U+000C', 'text without it'],
  ['\u001b', 'Control character U+001B', 'text without it'],
  ['\u0085', 'Line separator U+0085', 'an ordinary line break, or a space'],
  ['\u2028', 'Line separator U+2028', 'an ordinary line break, or a space'],
  ['\ufeff', 'Byte order mark U+FEFF inside the file', 'text without it'],
  ['\ud83d', 'U+D83D is not a character', 'text without it'],
])('a text with %j is complained of at its place', (character, message, expected) => {
  expect(findOddCharacters(`tab\there\r\n  a: ${character}b${character}\n`)).toEqual([
    { line: 2, column: 6, message, expected },
  ]);
});

it('an ordinary text has no odd characters', () => {
  expect(findOddCharacters('é 😀\t$(run) {PWD}\n\r\n\r~\u00a0\ufffd')).toEqual([]);
});
