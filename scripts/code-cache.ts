import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runCommand } from '#util/run-command.ts';

/** A program in two files that lie side by side. */
export interface CachedProgram {
  /** CommonJS, for `NAME.cjs`: runs what is in `NAME.program`. Another text for every other program. */
  readonly starter: string;
  /** For `NAME.program`: a line of JSON, the program's text, and what V8 made of it. */
  readonly program: Uint8Array;
}

/** Run by Node alone with: the program, the file for the cache, and arguments of the program. */
const recorder = `
const { readFileSync, writeFileSync } = require('node:fs');
const { constants, Script } = require('node:vm');
const [node, , file, cacheFile, ...args] = process.argv;
process.argv = [node, file, ...args];
const script = new Script(readFileSync(file, 'latin1'), {
  filename: file,
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
process.once('exit', () => writeFileSync(cacheFile, script.createCachedData()));
script.runInThisContext()({}, require, {}, file, '/');
`;

/**
 * Adds V8's code cache to a program: what V8 compiled while the program printed its help. Without it, compiling is a
 * third of the CPU of a command that does little (measured on Node 20).
 *
 * Another version of Node compiles the text again; a mismatch is not an error.
 *
 * @param text - CommonJS in ASCII
 * @throws Error if the program cannot print its help
 */
export async function addCodeCache(text: string): Promise<CachedProgram> {
  const wrapped = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`;
  const cache = await recordCodeCache(wrapped);
  const header = { node: process.version, arch: process.arch, length: wrapped.length };
  return {
    starter: renderStarter(createHash('sha256').update(text).digest('hex')),
    program: Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), Buffer.from(wrapped, 'latin1'), cache]),
  };
}

async function recordCodeCache(wrapped: string): Promise<Uint8Array> {
  const directory = await mkdtemp(join(tmpdir(), 'slurp-code-cache-'));
  try {
    const [script, program, cache] = [
      join(directory, 'record.cjs'),
      join(directory, 'program'),
      join(directory, 'cache'),
    ];
    await writeFile(script, recorder);
    await writeFile(program, wrapped, 'latin1');
    // Flags of V8 are part of a cache.
    const env = { ...process.env, NODE_OPTIONS: undefined };
    const { exitCode, stderr } = await runCommand(process.execPath, [script, program, cache, '--help'], { env });
    if (exitCode !== 0) throw new Error(`A built command cannot print its help:\n${stderr}`);
    return await readFile(cache);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function renderStarter(digest: string): string {
  return `// Runs the program in the file beside this one, with V8's code cache of it (scripts/code-cache.ts). Program ${digest}.
const { readFileSync } = require('node:fs');
const { constants, Script } = require('node:vm');
const file = __filename.replace(/cjs$/, 'program');
const bytes = readFileSync(file);
const start = bytes.indexOf(10) + 1;
const { node, arch, length } = JSON.parse(bytes.toString('latin1', 0, start));
const script = new Script(bytes.toString('latin1', start, start + length), {
  filename: file,
  ...(node === process.version && arch === process.arch ? { cachedData: bytes.subarray(start + length) } : {}),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
script.runInThisContext()(exports, require, module, __filename, __dirname);
`;
}
