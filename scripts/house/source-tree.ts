import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Texts of files by their path from the root of the repository, with `/`. */
export type SourceTree = ReadonlyMap<string, string>;

/** Reads the text files with these endings below some directories of the repository; in alphabetical order. */
export function readSourceTree(root: string, directories: readonly string[], endings: readonly string[]): SourceTree {
  const tree = new Map<string, string>();
  for (const directory of directories) {
    for (const entry of readdirSync(join(root, directory), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !endings.some((ending) => entry.name.endsWith(ending))) continue;
      tree.set(path.slice(root.length + 1), readFileSync(path, 'utf8'));
    }
  }
  return new Map([...tree].toSorted(([left], [right]) => left.localeCompare(right)));
}
