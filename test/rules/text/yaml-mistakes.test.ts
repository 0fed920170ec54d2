import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '#rules/read-rule-file.ts';
import { renderComplaints } from '../rule-files.ts';

function mistakesOf(...lines: readonly string[]): readonly string[] {
  return renderComplaints(parseRuleFile(`${lines.join('\n')}\n`, '/r.yaml').complaints);
}

describe('a file that is not YAML', () => {
  it('has one complaint for each line that is indented wrongly', () => {
    expect(
      mistakesOf(
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
      'r.yaml:4:6: error: Indented deeper than line 3, whose key has a value already, expected keys of one mapping in one column',
      'r.yaml:8:4: error: Indented like none of the keys above, expected keys of one mapping in one column',
    ]);
  });

  it('has one complaint where everything below the mistake is confused by it', () => {
    expect(
      mistakesOf('A:', '  params:', '  name: X', '    build: new', '    dbtag: y', '  input:', '    db: fc'),
    ).toEqual([
      'r.yaml:4:5: error: Indented deeper than line 3, whose key has a value already, expected keys of one mapping in one column',
    ]);
  });

  it('is told where a quote opens, and not where the file ends', () => {
    expect(mistakesOf('A:', '  params:', '    name: X', '    build: "new', '    dbtag: x')).toEqual([
      'r.yaml:4:12: error: The quote that opens here is not closed, expected one at the end',
    ]);
  });

  it.each([
    ['    build', "2:5: error: No value behind 'build', expected 'KEY: value', with a blank behind the colon; "],
    ['    name:X', "2:5: error: No value behind 'name:X', expected 'KEY: value', with a blank behind the colon; "],
    [
      '    comment: a: b',
      "2:14: error: A second ': ' in a value without quotes, expected quotes around the whole value",
    ],
    ['    mem: @x', "2:10: error: A value without quotes begins with '@', expected quotes around the whole value"],
    [
      '    dir: {x}/a',
      "2:13: error: '/a' stands behind a value that has ended, expected quotes around the whole value",
    ],
  ])('says of "%s" what to do', (line, complaint) => {
    expect(mistakesOf('A:', line, '    tag: x').join('\n')).toContain(`r.yaml:${complaint}`);
  });
});
