import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { findIdentity, findJobDirectory } from '#job/identity.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slurp-identity-'));
  await mkdir(join(root, 'job/deep/down'), { recursive: true });
  await mkdir(join(root, 'empty'));
  await writeFile(join(root, 'job/slurp-job.json'), '{}');
  await writeFile(join(root, 'ad'), 'ClusterId = 5\nNumJobStarts = 3\nNumShadowStarts = 4\n');
});
afterAll(() => rm(root, { recursive: true }));

test('finds the directory that the environment names, else the one above with a job file, else the scratch directory', () => {
  expect(findJobDirectory({ SLURP_JOB_DIRECTORY: join(root, 'empty') }, join(root, 'job/deep'))).toBe(
    join(root, 'empty'),
  );
  expect(findJobDirectory({ SLURP_JOB_DIRECTORY: '/not/there' }, join(root, 'job/deep/down'))).toBe(join(root, 'job'));
  expect(findJobDirectory({ _CONDOR_SCRATCH_DIR: join(root, 'empty') }, '/')).toBe(join(root, 'empty'));
  expect(findJobDirectory({}, join(root, 'empty'))).toBe(join(root, 'empty'));
});

test.each([
  [{ cupsid: '12', SLURP_CUPSID: '13' }, 12],
  [{ cupsid: '', SLURP_CUPSID: '13' }, 13],
  [{ cupsid: '0' }, 0],
])('takes the number of the attempt from %j', (environment, cupsid) => {
  expect(findIdentity(environment, root).cupsid).toBe(cupsid);
});

test('reads the number from a file where the batch system cannot set the environment', async () => {
  await writeFile(join(root, 'job/slurp-cupsid'), '77\n');
  expect(findIdentity({}, join(root, 'job')).cupsid).toBe(77);
});

test('reports what is missing where the number is not given', () => {
  expect(() => findIdentity({}, join(root, 'empty'))).toThrow('The job number is unknown: cupsid is not set');
  expect(() => findIdentity({ cupsid: '12x' }, root)).toThrow(
    "The job's number cupsid is '12x': expected a whole number",
  );
});

test.each([
  [{ cupsid: '99999999999' }, "The job's number cupsid is '99999999999': expected a whole number from 0 to 2147483647"],
  [{ cupsid: '1', SLURP_START: '5000000' }, "The number of earlier starts is '5000000': expected 1000000 at most"],
])('refuses numbers that no report can carry: %j', (environment, message) => {
  expect(() => findIdentity(environment, root)).toThrow(message);
});

test.each([
  [{ SLURP_START: '2' }, 2],
  [{ SLURP_START: 'undefined' }, 0],
  [{}, 0],
])('takes the start from %j', (environment, start) => {
  expect(findIdentity({ cupsid: '1', ...environment }, root).start).toBe(start);
});

test('reads the start from the job description of the batch system', () => {
  expect(findIdentity({ cupsid: '1', _CONDOR_JOB_AD: join(root, 'ad') }, root).start).toBe(3);
});

test.each(['0', '1', '-5', '', 'x', '99999999999'])("never signals a process '%s'", (text) => {
  const identity = findIdentity({ cupsid: '1', SLURP_WRAPPER_PROCESS: text, SLURP_PROCESS_GROUP: text }, root);
  expect(identity).not.toHaveProperty('wrapperProcess');
  expect(identity).not.toHaveProperty('processGroup');
});
