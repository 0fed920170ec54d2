import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { findPackageRoot } from '#util/find-package-root.ts';

it('docs/commands/slurp.md names every subcommand of slurp and each of its options', async () => {
  const [page, source] = await Promise.all(
    ['docs/commands/slurp.md', 'src/commands/slurp/slurp-program.ts'].map((path) =>
      readFile(join(findPackageRoot(), path), 'utf8'),
    ),
  );
  const declared = [...(source ?? '').matchAll(/(?:\.command|\.option|new Option)\(\s*'([\w-]+)/gu)].map(
    ([, name = '']) => name,
  );
  expect(declared).toContain('reconcile');
  expect(declared).toContain('--register');
  expect(declared.filter((name) => !(page ?? '').includes(name))).toEqual([]);
});
