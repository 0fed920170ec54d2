import { basename } from 'node:path';

import { exportedOf } from './exported.ts';

import type { SourceTree } from './source-tree.ts';

/** Files with another name than their exports, because the law itself (M5) names the file. */
const exceptions: ReadonlySet<string> = new Set(['src/db/connect.ts']);

/**
 * N2: a file of `src/` is named for what it exports: at least half of the words of its name are found in the names of
 * its exports. Returns all complaints.
 */
export function checkNames(tree: SourceTree): readonly string[] {
  return [...tree]
    .filter(([path]) => /^src\/(?!commands\/)/u.test(path) && path.endsWith('.ts') && !exceptions.has(path))
    .flatMap(([path, text]) => {
      const names = exportedOf(path, text).map(({ name }) => name);
      const all = names.join(' ').toLowerCase();
      const words = basename(path, '.ts').split('-').map(stemOf);
      if (words.filter((word) => all.includes(word)).length * 2 >= words.length) return [];
      return [`${path}:1: Its name does not say what it exports: ${names.slice(0, 5).join(', ')} (N2)`];
    });
}

/** `aliases`, `alias`, `aliased` → `alia`: enough to be found in names of all forms. */
function stemOf(word: string): string {
  return word.replace(/(?:es|s|ed|e|y)$/u, '');
}
