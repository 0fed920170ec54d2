import { join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';

/** Tells where a built command is; it is built from the sources as they are before the tests begin. */
export function builtProgram(name: 'kaedama' | 'ramenya' | 'slurp'): string {
  return join(findPackageRoot(), 'dist', `${name}.cjs`);
}
