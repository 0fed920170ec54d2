import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '#util/package-root.ts';

/** Makes a `dist/worker` of its own from the sources as they are, so that tests never run an older one. */
export async function makeWorkerDirectory(directory: string): Promise<string> {
  const root = packageRoot();
  await mkdir(directory, { recursive: true });
  await build({
    entryPoints: [join(root, 'src/commands/cups.ts')],
    outfile: join(directory, 'cups.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    logLevel: 'silent',
  });
  const sources = { cups: 'launcher.sh', 'cups.py': 'launcher.sh', 'wrapper.sh': 'wrapper.sh' };
  for (const [name, source] of Object.entries(sources)) {
    await copyFile(join(root, 'src/job', source), join(directory, name));
    await chmod(join(directory, name), 0o755);
  }
  return directory;
}
