import { dirname, join } from 'node:path/posix';

import type { SourceTree } from './source-tree.ts';

/** G2: every page of `docs/` is found from `docs/README.md`, and no page links to a page that is not there. */
export function checkDocs(tree: SourceTree): readonly string[] {
  const linksOf = (path: string): readonly string[] =>
    [...(tree.get(path) ?? '').matchAll(/\]\(([\w./-]+\.md)(?:#[\w-]*)?\)/gu)].map(([, target]) =>
      join(dirname(path), target ?? ''),
    );
  const listed = new Set(['docs/README.md', ...linksOf('docs/README.md')]);
  const pages = [...tree.keys()].filter((path) => path.startsWith('docs/') && path.endsWith('.md'));
  return [
    ...pages.filter((path) => !listed.has(path)).map((path) => `docs/README.md: Does not list '${path}' (G2)`),
    ...pages.flatMap((path) =>
      linksOf(path)
        .filter((target) => target.startsWith('docs/') && !tree.has(target))
        .map((target) => `${path}: Links to '${target}', which is not there (G2)`),
    ),
  ];
}
