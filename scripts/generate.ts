import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';

import { generatedFiles } from './house/generated-files.ts';

const root = findPackageRoot();
for (const [path, text] of await generatedFiles(root)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
