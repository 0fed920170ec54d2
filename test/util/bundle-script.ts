import { access, constants, mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { build } from 'esbuild';

import { findPackageRoot } from '#util/find-package-root.ts';

/** How directories of bundles in the temporary directory begin; they are a tool's, not a test's. */
export const bundleFolderPrefix = 'bundled-scripts-';

/**
 * Bundles a script of the tests, so that processes of it start in a tenth of the time that running it from the sources
 * takes. The packages stay outside, so the bundle lies below this package.
 *
 * @returns absolute path of the bundle
 */
export async function bundleScript(file: string): Promise<string> {
  const folder = (await ownFolder()) ?? (await folderElsewhere());
  const outfile = join(folder, `${basename(file, '.ts')}.mjs`);
  await build({
    ...{ entryPoints: [file], outfile, bundle: true, platform: 'node', format: 'esm' },
    ...{ packages: 'external', logLevel: 'silent' },
  });
  return outfile;
}

async function ownFolder(): Promise<string | undefined> {
  const folder = join(findPackageRoot(), 'node_modules', '.cache', 'slurp-tests', String(process.pid));
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

let elsewhere: Promise<string> | undefined;

/**
 * The pool's user cannot write in the checkout; the packages are found by a link. The directory goes with the run's
 * temporary directory, not earlier: the worker of the test runner may be killed at its end.
 */
function folderElsewhere(): Promise<string> {
  elsewhere ??= mkdtemp(join(tmpdir(), bundleFolderPrefix)).then(async (folder) => {
    await symlink(join(findPackageRoot(), 'node_modules'), join(folder, 'node_modules'));
    return folder;
  });
  return elsewhere;
}
