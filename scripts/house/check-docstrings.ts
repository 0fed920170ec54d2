import { exportedOf } from './exported.ts';

import type { SourceTree } from './source-tree.ts';

/** D1: every export of `src/` has a docstring. Returns all complaints. */
export function checkDocstrings(tree: SourceTree): readonly string[] {
  return [...tree]
    .filter(([path]) => path.startsWith('src/') && path.endsWith('.ts'))
    .flatMap(([path, text]) =>
      exportedOf(path, text)
        .filter(({ hasDocstring }) => !hasDocstring)
        .map(({ name, line }) => `${path}:${line}: The export '${name}' has no docstring (D1)`),
    );
}
