import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundle } from './bundle.ts';
import { addCodeCache } from './code-cache.ts';

/** The commands that run on a worker node too: each is one file that stands alone. */
const workerCommands: ReadonlySet<string> = new Set(['cups', 'pull', 'bachi']);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const worker = join(dist, 'worker');

/**
 * Puts a file in its place in one step, so that commands that run meanwhile see the old or the new one. What did not
 * change stays untouched: a running `slurp serve` is restarted when its program is newer than it.
 */
async function putFile(path: string, content: Uint8Array, mode: number): Promise<void> {
  const old = await readFile(path).catch(() => undefined);
  if (old?.equals(content) === true) return;
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await chmod(temporary, mode);
  await rename(temporary, path);
}

/** On a worker node a command is one file; the others start faster in two. */
async function buildCommand(command: string, directory: string): Promise<void> {
  const outfile = join(directory, `${command}.cjs`);
  const text = await bundle({ entry: join(root, 'src/commands', `${command}.ts`), outfile });
  if (workerCommands.has(command)) {
    await putFile(outfile, text, 0o644);
    return;
  }
  const { starter, program } = await addCodeCache(Buffer.from(text).toString('latin1'));
  await putFile(join(directory, `${command}.program`), program, 0o644);
  await putFile(outfile, Buffer.from(starter), 0o644);
}

async function copyInto(directory: string, source: string, name: string, mode: number): Promise<void> {
  await putFile(join(directory, name), await readFile(source), mode);
}

async function isThere(directory: string, name: string): Promise<boolean> {
  return (await readdir(join(root, directory))).includes(name);
}

const commands = (await readdir(join(root, 'src/commands')))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => ['kaedama', 'ramenya', 'cups', 'pull', 'bachi', 'slurp'].includes(name));

await mkdir(worker, { recursive: true });
for (const command of commands) {
  if (workerCommands.has(command)) await buildCommand(command, worker);
  await buildCommand(command, dist);
}
await copyInto(dist, join(root, 'node_modules/libpg-query/wasm/libpg-query.wasm'), 'libpg-query.wasm', 0o644);

// What jobs get beside the commands: what they run under, and for each command a launcher under its names.
for (const name of ['wrapper.sh', 'slurp-launch.sh', 'slurp-supervise.sh']) {
  if (await isThere('src/job', name)) await copyInto(worker, join(root, 'src/job', name), name, 0o755);
}
if (await isThere('src/job', 'launcher.sh')) {
  for (const command of commands.filter((name) => workerCommands.has(name))) {
    for (const name of [command, `${command}.py`]) {
      await copyInto(worker, join(root, 'src/job/launcher.sh'), name, 0o755);
    }
  }
}

// Programs that do not exist any more.
for (const directory of [dist, worker]) {
  for (const file of await readdir(directory)) {
    const [, name] = /^(.*)\.(?:[cm]js|program)$/u.exec(file) ?? [];
    if (name !== undefined && !commands.includes(name)) await rm(join(directory, file));
  }
}
