import { basename } from 'node:path';
import { exportedOf } from './exported.ts';
import type { SourceTree } from './source-tree.ts';

/** N2: a file of `src/` is named for something that it exports. Returns all complaints. */
export function checkNames(tree: SourceTree): readonly string[] {
  return [...tree]
    .filter(([path]) => /^src\/(?!commands\/)/u.test(path) && path.endsWith('.ts'))
    .flatMap(([path, text]) => {
      const names = exportedOf(path, text).map(({ name }) => name);
      const file = wordsOf(basename(path, '.ts'));
      if (names.some((name) => ` ${wordsOf(name)} `.includes(` ${file} `))) return [];
      return [`${path}:1: None of its exports (${names.join(', ')}) is what its name says (N2)`];
    });
}

/** `readRuleFile`, `read-rule-file` → `read rule file`; plurals count as singulars. */
function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/gu, '$1-$2')
    .toLowerCase()
    .split('-')
    .map((word) => word.replace(/s$/u, ''))
    .join(' ');
}
