import { describe, expect, it } from 'vitest';

import { problemsOf } from './problems-of.ts';

function findingsOf(...lines: readonly string[]): readonly string[] {
  return problemsOf(`${lines.join('\n')}\n`);
}

describe('a file that is not YAML', () => {
  it('has one complaint for each line that is indented wrongly', () => {
    expect(
      findingsOf(
        'A:',
        '  params:',
        '    name: X',
        '     build: new',
        '    dbtag: x',
        '  input:',
        '    db: fc',
        '   query: x',
      ),
    ).toEqual([
      '4:6: error: Indented more than line 3, whose key already has a value: expected keys of one mapping in one column',
      '8:4: error: The indentation matches none of the keys above: expected keys of one mapping in one column',
    ]);
  });

  it('has one complaint where everything below the mistake is confused by it', () => {
    expect(
      findingsOf('A:', '  params:', '  name: X', '    build: new', '    dbtag: y', '  input:', '    db: fc'),
    ).toEqual([
      '4:5: error: Indented more than line 3, whose key already has a value: expected keys of one mapping in one column',
    ]);
  });

  it('is reported where a quote opens, and not where the file ends', () => {
    expect(findingsOf('A:', '  params:', '    name: X', '    build: "new', '    dbtag: x')).toEqual([
      '4:12: error: The quote opened here is not closed: expected a closing quote',
    ]);
  });

  it.each([
    ['    build', "2:5: error: 'build' has no value: expected 'KEY: value' with a space after the colon, "],
    ['    name:X', "2:5: error: 'name:X' has no value: expected 'KEY: value' with a space after the colon, "],
    ['    comment: a: b', "2:14: error: Second ': ' in a value without quotes: expected quotes around the whole value"],
    ['    mem: @x', "2:10: error: The value without quotes starts with '@': expected quotes around the whole value"],
    ['    dir: {x}/a', "2:13: error: '/a' follows the end of a value: expected quotes around the whole value"],
  ])('says of "%s" what to do', (line, complaint) => {
    expect(findingsOf('A:', line, '    tag: x').join('\n')).toContain(complaint);
  });
});
