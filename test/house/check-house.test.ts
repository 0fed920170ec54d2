import { describe, expect, it } from 'vitest';

import { checkChangelog } from '../../scripts/house/check-changelog.ts';
import { checkCitations } from '../../scripts/house/check-citations.ts';
import { checkComments } from '../../scripts/house/check-comments.ts';
import { checkDocs } from '../../scripts/house/check-docs.ts';
import { checkDocstrings } from '../../scripts/house/check-docstrings.ts';
import { checkLockFile } from '../../scripts/house/check-lock-file.ts';
import { checkMap } from '../../scripts/house/check-map.ts';
import { checkNames } from '../../scripts/house/check-names.ts';

describe('docstrings', () => {
  it('misses one on every kind of export, and on no other thing', () => {
    const text = [
      'export const a = 1;',
      'export function b(): void {}',
      'export class C {}',
      'export interface D {}',
      'export type E = string;',
      '/** Is well. */',
      'export const f = 1;',
      'const g = 1;',
    ].join('\n');
    expect(
      checkDocstrings(
        new Map([
          ['src/model/x.ts', text],
          ['test/x.ts', text],
        ]),
      ),
    ).toEqual([
      "src/model/x.ts:1: The export 'a' has no docstring (D1)",
      "src/model/x.ts:2: The export 'b' has no docstring (D1)",
      "src/model/x.ts:3: The export 'C' has no docstring (D1)",
      "src/model/x.ts:4: The export 'D' has no docstring (D1)",
      "src/model/x.ts:5: The export 'E' has no docstring (D1)",
    ]);
  });
});

describe('names of files', () => {
  it.each([
    ['src/db/reserve-jobs.ts', 'export async function reserveJobs() {}', 0],
    ['src/cli/table.ts', 'export function renderTable() {}', 0],
    ['src/model/errors.ts', 'export class SlurpError {}', 0],
    ['src/commands/slurp.ts', 'export const x = 1;', 0],
    ['src/db/helpers.ts', 'export function reserveJobs() {}', 1],
    ['src/db/empty.ts', 'const x = 1;', 1],
  ])('%s with %s has %i complaints', (path, text, count) => {
    expect(checkNames(new Map([[path, text]]))).toHaveLength(count);
  });
});

describe('comments', () => {
  it.each([
    ['// a plain remark', 0],
    ['// TODO make it faster', 1],
    ['// TODO make it faster (#12)', 0],
    ["it.skip('does', () => {});", 1],
    ["it.skip('does', () => {}); // #7", 0],
    ['// const x = 1;', 1],
    ['// ---------------', 1],
    ['const todo = 1;', 0],
  ])('%s: %i complaints', (line, count) => {
    expect(checkComments(new Map([['src/db/x.ts', line]]))).toHaveLength(count);
  });
});

describe('the map', () => {
  const readme =
    '# X\n\n```sh\nmake\n```\n\n```\nsrc/\n  db/      FLOOR 1  SQL\n  model/   FLOOR 0\nbin/       commands\n```\n';

  it('is right when it names what is there', () => {
    expect(checkMap(readme, ['db', 'model'], ['bin'])).toEqual([]);
  });

  it('is wrong when it leaves out or invents a room or directory', () => {
    expect(checkMap(readme, ['db', 'loop'], ['bin', 'bench'])).toEqual([
      "README.md: The map leaves out 'src/loop/' (L7)",
      "README.md: The map leaves out 'bench/' (L7)",
      "README.md: The map names 'src/model/', which is not there (L7)",
    ]);
  });

  it('must be there', () => {
    expect(checkMap('# X', [], [])).toHaveLength(1);
  });
});

describe('citations', () => {
  const compatibility = '- **C-A1** (kept) One.\n- **C-A2** (changed) Two, see C-A1.\n';
  const defects = '| 1 | crashed | `x.test.ts`: does it (C-A1); `x.test.ts`: does not |\n';
  const check = (test: string): readonly string[] =>
    checkCitations(
      new Map([
        ['docs/compatibility.md', compatibility],
        ['docs/defects.md', defects],
      ]),
      new Map([['test/x.test.ts', test]]),
    );

  it('are right when each promise has a test', () => {
    expect(check("it('does it (C-A1)'); it('does not'); it('C-A2: is')")).toEqual([]);
  });

  it('name what is missing on either side', () => {
    expect(check("it('does it (C-A1, C-A3)')")).toEqual([
      'docs/compatibility.md: No test cites C-A2 (T6)',
      'test/x.test.ts: There is no C-A3 (T6)',
      'docs/defects.md: There is no test `x.test.ts`: does it (C-A1) (T6)',
      'docs/defects.md: There is no test `x.test.ts`: does not (T6)',
    ]);
  });
});

describe('the changelog', () => {
  const pending = '# Changes\n\n## Pending\n\n- New\n\n## 0.1.0\n\n- Old\n';

  it('may have a Pending section while work goes on, and not to release', () => {
    expect(checkChangelog(pending, '0.2.0', false)).toEqual([]);
    expect(checkChangelog(pending, '0.2.0', true)).toEqual([
      "CHANGELOG.md: There is a section 'Pending': name it '0.2.0' to release (G3)",
      "CHANGELOG.md: There is no section '0.2.0' (G3)",
    ]);
  });

  it('can be released when the section has the name of the version', () => {
    expect(checkChangelog(pending.replace('Pending', '0.2.0, 2025-05-01'), '0.2.0', true)).toEqual([]);
  });

  it('names what breaks first', () => {
    expect(checkChangelog('## Pending\n\n- New\n- BREAKING: gone\n', '0.2.0', false)).toEqual([
      "CHANGELOG.md: In 'Pending' an entry 'BREAKING:' stands below a harmless one (G3)",
    ]);
  });
});

describe('the lock file', () => {
  const tool = { optionalDependencies: { 'tool-linux': '1.0.0', 'tool-darwin': '1.0.0' } };

  it('names the packages for every platform', () => {
    const packages = { '': {}, 'node_modules/tool': tool, 'node_modules/tool-linux': {} };
    expect(checkLockFile(JSON.stringify({ packages }))).toEqual([
      "package-lock.json: 'tool-darwin', wanted by 'node_modules/tool', is not in it: npm ci will refuse it",
    ]);
    const nested = { ...packages, 'node_modules/tool/node_modules/tool-darwin': {} };
    expect(checkLockFile(JSON.stringify({ packages: nested }))).toEqual([]);
  });
});

describe('the pages', () => {
  it('are all found from the first, and link to what is there', () => {
    const tree = new Map([
      ['docs/README.md', '- [a](a.md)\n- [b](decisions/b.md#why)'],
      ['docs/a.md', '[gone](decisions/gone.md), [README](../README.md)'],
      ['docs/decisions/b.md', '[a](../a.md)'],
      ['docs/c.md', ''],
    ]);
    expect(checkDocs(tree)).toEqual([
      "docs/README.md: Does not list 'docs/c.md' (G2)",
      "docs/a.md: Links to 'docs/decisions/gone.md', which is not there (G2)",
    ]);
  });
});
