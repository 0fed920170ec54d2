import { access, constants, mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { build } from 'esbuild';

import { findPackageRoot } from '#util/find-package-root.ts';

/** How directories of bundles in the temporary directory begin; they are a tool's, not a test's. */
export const bundleDirectoryPrefix = 'bundled-scripts-';

/**
 * Bundles a script of the tests, so that processes of it start in a tenth of the time that running it from the sources
 * takes. The packages stay outside, so the bundle lies below this package.
 *
 * @returns absolute path of the bundle
 */
export async function bundleScript(file: string): Promise<string> {
  const directory = (await ownDirectory()) ?? (await directoryElsewhere());
  const outfile = join(directory, `${basename(file, '.ts')}.mjs`);
  await build({
    ...{ entryPoints: [file], outfile, bundle: true, platform: 'node', format: 'esm' },
    ...{ packages: 'external', logLevel: 'silent' },
  });
  return outfile;
}

async function ownDirectory(): Promise<string | undefined> {
  const directory = join(findPackageRoot(), 'node_modules', '.cache', 'slurp-tests', String(process.pid));
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
    return directory;
  } catch {
    return undefined;
  }
}

let elsewhere: Promise<string> | undefined;

/**
 * The pool's user cannot write in the checkout; the packages are found by a link. The directory goes with the run's
 * temporary directory, not earlier: the worker of the test runner may be killed at its end.
 */
function directoryElsewhere(): Promise<string> {
  elsewhere ??= mkdtemp(join(tmpdir(), bundleDirectoryPrefix)).then(async (directory) => {
    await symlink(join(findPackageRoot(), 'node_modules'), join(directory, 'node_modules'));
    return directory;
  });
  return elsewhere;
}
