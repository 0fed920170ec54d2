import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '#util/package-root.ts';

/** Makes a `dist/worker` of its own from the sources as they are, so that tests never run an older one. */
export async function makeWorkerDirectory(directory: string): Promise<string> {
  const root = packageRoot();
  await mkdir(directory, { recursive: true });
  await build({
    entryPoints: ['cups', 'bachi'].map((name) => join(root, 'src/commands', `${name}.ts`)),
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    logLevel: 'silent',
  });
  for (const name of ['cups', 'cups.py', 'bachi', 'bachi.py', 'wrapper.sh']) {
    const source = name === 'wrapper.sh' ? name : 'launcher.sh';
    await copyFile(join(root, 'src/job', source), join(directory, name));
    await chmod(join(directory, name), 0o755);
  }
  return directory;
}
