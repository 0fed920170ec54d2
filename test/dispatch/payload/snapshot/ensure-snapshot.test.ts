import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';

import { ensureSnapshot } from '#dispatch/payload/snapshot/ensure-snapshot.ts';
import { surveyPayload } from '#dispatch/payload/survey/survey-payload.ts';

import { openTestStatus } from '../../../db/test-database.ts';
import { silentLog } from '../../../util/silent-log.ts';
import { openPayloadWorld, prepareRuleOf } from '../payload-world.ts';

import type { Snapshot } from '#dispatch/payload/snapshot/ensure-snapshot.ts';
import type { PayloadSite } from '#dispatch/payload/survey/survey-payload.ts';

import type { TestStatus } from '../../../db/test-database.ts';
import type { PayloadWorld } from '../payload-world.ts';

let opened: TestStatus;
beforeAll(async () => {
  opened = await openTestStatus();
});
afterAll(() => opened.close());

let world: PayloadWorld;
let store: string;
beforeEach(async () => {
  world = await openPayloadWorld();
  store = world.site.payloads.directory;
});
afterEach(() => world.close());

async function keep(params = {}, site: PayloadSite = world.site): Promise<Snapshot> {
  const survey = await surveyPayload(prepareRuleOf(world.submit, params), site);
  return opened.status.session((session) => ensureSnapshot({ survey, site, session, log: silentLog }));
}

const read = (path: string): Promise<string> => readFile(path, 'utf8');

it('has what is staged under the name of its content, read-only, and is found again', async () => {
  await world.put({ '../macros/x.C': 'x', 'code/calo/sub/link': '-> ../Fun.C', 'code/calo/private.C': 'p' });
  await chmod(join(world.code, 'calo/private.C'), 0o600);
  await chmod(join(world.code, 'calo/run.sh'), 0o775);
  const made = await keep({ rsync: 'code/calo/*,../macros/x.C' });
  expect(made).toMatchObject({ wasMade: true, sizeBytes: 20 });
  const base = made.stageDirectory;
  expect(base).toBe(join(store, made.hash, 'files', '.up'));
  expect(await read(join(base, 'code/calo/run.sh'))).toBe('#!/bin/sh\necho A\n');
  expect(await read(`${base}/../macros/x.C`)).toBe('x');
  expect(await read(`${base}/code/calo/sub/link`)).toBe('A');
  const modes = ['run.sh', 'Fun.C', 'private.C'].map(async (name) => (await stat(join(base, 'code/calo', name))).mode);
  expect((await Promise.all(modes)).map((mode) => (mode & 0o777).toString(8))).toEqual(['555', '444', '400']);
  expect(await readdir(store)).toEqual([made.hash]);
  expect(await keep({ rsync: 'code/calo/*,../macros/x.C' })).toEqual({ ...made, wasMade: false });
});

it('is made once by several at the same moment', async () => {
  const snapshots = await Promise.all([keep(), keep(), keep(), keep()]);
  expect(new Set(snapshots.map(({ hash }) => hash)).size).toBe(1);
  expect(snapshots.filter(({ fault }) => fault !== undefined)).toEqual([]);
  expect(await readdir(store)).toEqual([snapshots[0]?.hash]);
});

it('stays what it was when the checkout is edited in place, and the edit is another snapshot', async () => {
  const first = await keep();
  await appendFile(join(world.code, 'calo/Fun.C'), 'B');
  const second = await keep();
  expect(second.hash).not.toBe(first.hash);
  expect(await read(join(first.stageDirectory, 'code/calo/Fun.C'))).toBe('A');
  expect(await read(join(second.stageDirectory, 'code/calo/Fun.C'))).toBe('AB');
});

describe('a snapshot that does not match its name is replaced', () => {
  const inside = (snapshot: Snapshot, path: string): string => join(snapshot.stageDirectory, 'code/calo', path);
  const damages: Readonly<Record<string, readonly [(snapshot: Snapshot) => Promise<unknown>, string]>> = {
    'a file was edited': [
      async (snapshot) => {
        await chmod(inside(snapshot, 'Fun.C'), 0o644);
        await writeFile(inside(snapshot, 'Fun.C'), 'B');
        await chmod(inside(snapshot, 'Fun.C'), 0o444);
      },
      "'code/calo/Fun.C' has different content",
    ],
    'a file can be written to': [
      (snapshot) => chmod(inside(snapshot, 'Fun.C'), 0o644),
      "'code/calo/Fun.C' can be written to",
    ],
    'a file is gone': [(snapshot) => rm(inside(snapshot, 'Fun.C')), "'code/calo/Fun.C' is missing"],
    'a file was added': [
      (snapshot) => writeFile(inside(snapshot, 'new.C'), ''),
      "'code/calo/new.C' does not belong to it",
    ],
    'a directory was added': [(snapshot) => mkdir(inside(snapshot, 'new')), "'code/calo/new' does not belong to it"],
    'a program is none any more': [
      (snapshot) => chmod(inside(snapshot, 'run.sh'), 0o444),
      "'code/calo/run.sh' has a different mode",
    ],
    'its manifest was edited': [
      (snapshot) => rm(join(store, snapshot.hash, 'manifest')),
      `no such file or directory: '`,
    ],
    'it is empty': [
      async (snapshot) => {
        await rm(join(store, snapshot.hash), { recursive: true });
        await mkdir(join(store, snapshot.hash));
      },
      'no such file or directory',
    ],
  };
  test.each(Object.entries(damages))('%s', async (_, [damage, fault]) => {
    const first = await keep();
    await damage(first);
    const second = await keep();
    expect(second).toMatchObject({ hash: first.hash, wasMade: true, fault: expect.stringContaining(fault) });
    expect(await read(inside(second, 'Fun.C'))).toBe('A');
    expect(await keep()).toMatchObject({ wasMade: false });
  });
});

it('shares large files with another snapshot, and never with a checkout', async () => {
  const large = join(world.code, 'calo/large.root');
  await writeFile(large, Buffer.alloc(2_000_000, 1));
  const first = await keep();
  await world.put({ 'code/calo/Fun.C': 'B' });
  const second = await keep();
  const factsOf = ({ stageDirectory }: Snapshot, name: string) => lstat(join(stageDirectory, 'code/calo', name));
  expect((await factsOf(second, 'large.root')).ino).toBe((await factsOf(first, 'large.root')).ino);
  expect((await factsOf(second, 'run.sh')).nlink).toBe(1);
  expect((await lstat(large)).nlink).toBe(1);
  expect([await keep(), await keep()].map(({ wasMade }) => wasMade)).toEqual([false, false]);
});

it('is not made from files that were edited since they were read', async () => {
  const survey = await surveyPayload(prepareRuleOf(world.submit), world.site);
  await appendFile(join(world.code, 'calo/Fun.C'), 'B');
  await expect(
    opened.status.session((session) => ensureSnapshot({ survey, site: world.site, session, log: silentLog })),
  ).rejects.toMatchObject({ code: 'site-payload-changing' });
  expect(await readdir(store)).toEqual([]);
});

it('believes that a large file is the same only if nothing about it changed since', async () => {
  const large = join(world.code, 'calo/large.root');
  await writeFile(large, Buffer.alloc(2_000_000, 1));
  const first = await keep();
  const { atime, mtime } = await stat(large);
  await writeFile(large, Buffer.alloc(2_000_000, 2));
  await utimes(large, atime, mtime);
  const second = await keep();
  expect(second.hash).not.toBe(first.hash);
  const other = join(world.root, 'other.root');
  await writeFile(other, Buffer.alloc(2_000_000, 3));
  await utimes(other, atime, mtime);
  await rename(other, large);
  expect((await keep()).hash).not.toBe(second.hash);
});

it('is refused where it cannot be made, with the reason', async () => {
  const place = (directory: string): PayloadSite => ({
    ...world.site,
    payloads: { ...world.site.payloads, directory },
  });
  await expect(keep({}, place(join(world.root, 'with space')))).rejects.toMatchObject({
    code: 'site-payloads-directory',
    message: `The payload snapshot cannot be created in '${world.root}/with space': its path has a space or comma, which separate what jobs are given`,
  });
  await writeFile(join(world.root, 'file'), '');
  await expect(keep({}, place(join(world.root, 'file', 'payloads')))).rejects.toMatchObject({
    code: 'site-payloads-directory',
  });
});
