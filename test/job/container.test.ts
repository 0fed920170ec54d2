import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { waitUntil } from '#util/wait-until.ts';

import { environmentOf, makeJobPlace } from './job-place.ts';
import { startRecordingGateway } from './recording-gateway.ts';

import type { CommandResult } from '#util/run-command.ts';

import type { JobPlace } from './job-place.ts';
import type { RecordingGateway } from './recording-gateway.ts';

let place: JobPlace;
let gateway: RecordingGateway;
let scratch = '';
let submit = '';
let image = '';
const PATH = `${join(import.meta.dirname, 'bin')}:/usr/bin:/bin`;

beforeAll(async () => {
  place = await makeJobPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  gateway = await startRecordingGateway();
  submit = mkdtempSync(join(place.root, 'submit '));
  image = join(submit, "sl7's.sif");
  writeFileSync(image, '');
  scratch = await place.scratch(gateway.url, {
    container: { runtime: 'apptainer', image, binds: ['/sphenix', '/gpfs02:/direct it'] },
  });
});
afterEach(() => gateway.close());

const run = (env = {}): Promise<CommandResult> =>
  place.run(scratch, [join(place.worker, 'wrapper.sh'), 'job.sh', 'a', submit, 'job.sh', '7'], {
    env: { PATH, ...env },
  });
const write = (text: string): void => writeFileSync(join(submit, 'job.sh'), `#!/bin/bash\n${text}\n`, { mode: 0o644 });
const messages = (): readonly unknown[] =>
  gateway.events().flatMap(({ detail }) => (detail.kind === 'message' ? [detail] : []));

test('C-W23: runs the script in the container of the site, with its arguments, its PATH and cups', async () => {
  write('echo "$APPTAINER_NAME $# $1 $3"; cups.py -r 1 -s 0 -d D running; bachi.py created D 1; exit 5');
  const result = await run();
  expect(result).toMatchObject({ exitCode: 5, stdout: 'image 4 a job.sh\n' });
  expect(readFileSync(join(scratch, 'container-arguments'), 'utf8').split('\n')).toEqual([
    ...['exec', '--pwd', scratch, '--bind', scratch, '--bind', realpathSync(process.execPath)],
    ...['--bind', '/sphenix', '--bind', '/gpfs02:/direct it', image, './job.sh', 'a', submit, 'job.sh', '7', ''],
  ]);
  expect(gateway.events().map(({ detail }) => detail.kind)).toEqual(['started', 'running', 'dataset', 'exited']);
});

test('C-W23: passes signals into the container', async () => {
  write("trap 'cups.py -r 1 -s 0 -d D finished -e 255; exit 255' TERM\ntouch begun; sleep 60 & wait");
  const child = spawn(join(place.worker, 'wrapper.sh'), ['job.sh', submit, 'job.sh', '7'], {
    cwd: scratch,
    detached: true,
    stdio: 'ignore',
    env: environmentOf(scratch, place.worker, { PATH }),
  });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
  });
  await waitUntil(() => (existsSync(join(scratch, 'begun')) ? true : undefined), { timeoutMs: 20_000 });
  child.kill('SIGTERM');
  expect(await ended).toBe(255);
  expect(messages()).toMatchObject([{ text: 'Stopped by TERM; the script ended with exit code 255' }]);
});

test('C-W23: says which image or runtime is missing, and does not run the script outside', async () => {
  write('touch ran');
  scratch = await place.scratch(gateway.url, { container: { runtime: 'apptainer', image: '/no/such.sif', binds: [] } });
  const imageless = await run();
  expect(imageless.exitCode).toBe(26);
  expect(imageless.stderr).toContain("wrapper: Container image '/no/such.sif' does not exist on this machine");
  scratch = await place.scratch(gateway.url, { container: { runtime: 'singularity', image, binds: [] } });
  const empty = mkdtempSync(join(place.root, 'bin-'));
  for (const name of ['bash', 'sh', 'cp', 'install', 'readlink', 'chmod', 'rm', 'find', 'sleep']) {
    symlinkSync(join('/usr/bin', name), join(empty, name));
  }
  const runtimeless = await run({ PATH: empty });
  expect(runtimeless.exitCode).toBe(26);
  expect(runtimeless.stderr).toContain(
    `Program 'singularity', which runs '${image}', is not installed on this machine`,
  );
  expect(messages()).toMatchObject([
    { text: expect.stringMatching(/^Container image '/u), flag: 1 },
    { text: expect.stringMatching(/^Program 'singularity' is not/u), flag: 1 },
  ]);
  expect(existsSync(join(scratch, 'ran'))).toBe(false);
});
