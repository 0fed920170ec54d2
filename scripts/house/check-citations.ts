import type { SourceTree } from './source-tree.ts';

const number = /\bC-[A-Z]\d+\b/gu;

/**
 * T6: a test cites each number of `docs/compatibility.md`, no test cites one that is not there, and each test that
 * `docs/defects.md` names is there.
 */
export function checkCitations(docs: SourceTree, tests: SourceTree): readonly string[] {
  const compatibility = docs.get('docs/compatibility.md') ?? '';
  const promised = new Set([...compatibility.matchAll(/^- \*\*(C-[A-Z]\d+)\*\*/gmu)].map(([, name = '']) => name));
  const cited = new Map<string, string>();
  for (const [path, text] of tests) for (const [name] of text.matchAll(number)) cited.set(name, path);
  return [
    ...[...promised]
      .filter((name) => !cited.has(name))
      .map((name) => `docs/compatibility.md: No test cites ${name} (T6)`),
    ...[...cited].filter(([name]) => !promised.has(name)).map(([name, path]) => `${path}: There is no ${name} (T6)`),
    ...checkDefects(docs.get('docs/defects.md') ?? '', tests),
  ];
}

/** Cells such as `` `db/x.test.ts`: its title; `db/y.test.ts`: another title ``. */
function checkDefects(page: string, tests: SourceTree): readonly string[] {
  const cells = page.split('\n').flatMap((line) => (/^\| \d/u.test(line) ? (line.split('|').at(3) ?? '') : []));
  return cells
    .flatMap((cell) => cell.trim().split(/; (?=`)/u))
    .filter((entry) => {
      const [, path = '', title = ''] = /^`(.*?)`: (.*)$/u.exec(entry) ?? [];
      return title === '' || tests.get(`test/${path}`)?.includes(title) !== true;
    })
    .map((entry) => `docs/defects.md: There is no test ${entry} (T6)`);
}
