import { basename, join } from 'node:path';

import { build } from 'esbuild';

import { packageRoot } from '#util/package-root.ts';

const requireBanner =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

/**
 * Bundles a script of the tests, so that processes of it start in a tenth of the time that running it from the sources
 * takes. The packages stay outside, so the bundle lies below this package. Bundles of one test file lie side by side, as
 * the built commands do.
 *
 * @param isWhole takes the packages in as well, as the built commands do, which start faster still
 * @returns absolute path of the bundle
 */
export async function bundleScript(file: string, isWhole = false): Promise<string> {
  const folder = join(packageRoot(), 'node_modules', '.cache', 'slurp-tests', String(process.pid));
  const outfile = join(folder, `${basename(file, '.ts')}.mjs`);
  await build({
    ...{ entryPoints: [file], outfile, bundle: true, platform: 'node', format: 'esm' },
    ...(isWhole ? { banner: { js: requireBanner }, external: ['pg-native'] } : { packages: 'external' }),
    logLevel: 'silent',
  });
  return outfile;
}
