import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { makeJobPlace } from '#test/job/job-place.ts';
import { startRecordingGateway } from '#test/job/recording-gateway.ts';

import type { JobPlace } from '#test/job/job-place.ts';
import type { RecordingGateway } from '#test/job/recording-gateway.ts';
import type { CommandResult } from '#util/run-command.ts';

let place: JobPlace;
let gateway: RecordingGateway;
let scratch = '';
let out = '';

beforeAll(async () => {
  place = await makeJobPlace();
});
afterAll(() => place.remove());
beforeEach(async () => {
  gateway = await startRecordingGateway();
  scratch = await place.scratch(gateway.url);
  out = join(scratch, '../out');
  mkdirSync(out);
});
afterEach(async () => {
  await gateway.close();
  rmSync(out, { recursive: true });
});

const name = 'DST_CALO_run2pp_new_2024p007-00053534-00000.root';
const stageout = `cups -r 53534 -s 0 -d DST_CALO_run2pp_new_2024p007 stageout ${name} ../out`;
const flags = (): readonly unknown[] =>
  gateway.events().map(({ detail }) => ('flag' in detail ? detail.flag : detail.kind));

/** Runs a shell script with mounts of its own, which end with it. */
const withMounts = (script: string): Promise<CommandResult> =>
  place.run(scratch, ['unshare', ...(process.getuid?.() === 0 ? ['-m'] : ['-Urm']), 'sh', '-ec', script]);

/** Runs a shell script in which permissions count, also if root runs the tests. */
const withoutPrivileges = (script: string): Promise<CommandResult> => {
  const drop = ['setpriv', '--inh-caps=-all', '--bounding-set=-dac_override,-dac_read_search'];
  return place.run(scratch, [...(process.getuid?.() === 0 ? drop : []), 'sh', '-ec', script]);
};

test('a full disk refuses a file with its reason, keeps the local one, and nothing of a copy (C-W24)', async () => {
  const result = await withMounts(
    `mount -t tmpfs -o size=1m tmpfs ../out; head -c 3000000 /dev/zero >${name}; ${stageout} || code=$?; ls -A ../out; exit $code`,
  );
  expect(result).toMatchObject({ exitCode: 30, stdout: '' });
  expect(result.stderr).toBe(
    `cups: '${name}' cannot be written to '${out}': no space is left\n` +
      '  because: no space left on device\n  Free space there, then redo the job\n',
  );
  expect(existsSync(join(scratch, name))).toBe(true);
  expect(flags()).toEqual([4, 'refused']);
});

test('a full disk keeps the older file that was to be replaced', async () => {
  const result = await withMounts(
    `mount -t tmpfs -o size=1m tmpfs ../out; echo older >../out/${name}
     head -c 3000000 /dev/zero >${name}; ${stageout} || code=$?; ls -A ../out; cat ../out/${name}; exit $code`,
  );
  expect(result).toMatchObject({ exitCode: 30, stdout: `${name}\nolder\n` });
});

test('a read-only file system is refused before anything is copied', async () => {
  writeFileSync(join(scratch, name), 'events');
  const result = await withMounts(`mount -t tmpfs -o ro tmpfs ../out; ${stageout}`);
  expect(result.exitCode).toBe(30);
  expect(result.stderr).toBe(
    `cups: The output directory '${out}' cannot be written to: read-only file system\n` +
      '  Check its permissions, and how its file system is mounted here\n',
  );
});

test('a directory that this account may not write to is refused before anything is copied', async () => {
  writeFileSync(join(scratch, name), 'events');
  chmodSync(out, 0o555);
  const result = await withoutPrivileges(stageout);
  expect(result.exitCode).toBe(30);
  expect(result.stderr).toContain(`The output directory '${out}' cannot be written to: permission denied\n`);
});

test('a directory that cannot be listed accepts a file all the same', async () => {
  writeFileSync(join(scratch, name), 'events');
  chmodSync(out, 0o333);
  expect(await withoutPrivileges(stageout)).toMatchObject({ exitCode: 0, stderr: '' });
  chmodSync(out, 0o755);
  expect(readdirSync(out)).toEqual([name]);
});

test('a file at the destination that cannot be read is left as it is', async () => {
  writeFileSync(join(scratch, name), 'events');
  writeFileSync(join(out, name), 'older', { mode: 0o200 });
  const result = await withoutPrivileges(stageout);
  expect(result.exitCode).toBe(30);
  expect(result.stderr).toContain(`'${join(out, name)}' exists and cannot be read: permission denied\n`);
  expect(readdirSync(out)).toEqual([name]);
});

test('a limit of the size of files is a reason, and leaves nothing', async () => {
  writeFileSync(join(scratch, name), Buffer.alloc(3_000_000));
  const result = await place.run(scratch, ['prlimit', '--fsize=1000000', 'sh', '-ec', stageout]);
  expect(result.exitCode).toBe(30);
  expect(result.stderr).toContain(`'${name}' could not be copied to '${out}': file too large\n`);
  expect(readdirSync(out)).toEqual([]);
});
