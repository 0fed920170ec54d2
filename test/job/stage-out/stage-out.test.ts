import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { copyVerified, readFacts } from '#job/stage-out/copy-verified.ts';
import { putInPlace, putReplacement } from '#job/stage-out/put-in-place.ts';
import { recordCopy, removeLeftCopies } from '#job/stage-out/record-copy.ts';
import { directoryOf, stageOut } from '#job/stage-out/stage-out.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import type { StagedOut, StageOutRequest } from '#job/stage-out/stage-out.ts';

let root = '';
let job = '';
let out = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slurp-stageout-'));
  [job, out] = [join(root, 'job'), join(root, 'out')];
  mkdirSync(job);
  mkdirSync(out);
});
afterEach(() => rmSync(root, { recursive: true }));

const granted: StageOutRequest['claim'] = () =>
  Promise.resolve({ kind: 'answered', value: { cupsid: 7, isGranted: true } });
const away: StageOutRequest['claim'] = () => Promise.resolve({ kind: 'away', reason: 'no answer' });
const never = new AbortController().signal;
const write = (name: string, text = 'events'): string => {
  writeFileSync(join(job, name), text);
  return join(job, name);
};
const stage = (file: string, more: Partial<StageOutRequest> = {}): Promise<StagedOut> =>
  stageOut({
    file,
    directory: out,
    retries: 2,
    jobDirectory: job,
    owner: '7-0',
    signal: never,
    claim: away,
    note: () => undefined,
    firstPauseMs: 1,
    ...more,
  });
const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');

test('puts the file in its place, with size, checksum, mode and times, and leaves nothing else', async () => {
  const file = write('A.root', 'x'.repeat(3_000_000));
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  const staged = await stage(file);
  expect(staged).toEqual({
    path: join(out, 'A.root'),
    how: 'put',
    sizeBytes: 3_000_000,
    md5: md5('x'.repeat(3_000_000)),
  });
  expect(readdirSync(out)).toEqual(['A.root']);
  expect(statSync(staged.path).mtimeMs).toBe(1_700_000_000_000);
  expect(md5(readFileSync(staged.path))).toBe(staged.md5);
  expect(readdirSync(join(job, '.slurp-copies'))).toEqual([]);
});

test.each([0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 5_000_001])('copies %i bytes', async (sizeBytes) => {
  const bytes = Buffer.alloc(sizeBytes, 'slurp ');
  writeFileSync(join(job, 'A'), bytes);
  expect(await copyVerified(join(job, 'A'), join(out, 'A'), never)).toEqual({ sizeBytes, md5: md5(bytes) });
  expect(readFileSync(join(out, 'A')).equals(bytes)).toBe(true);
});

test('takes a file from another directory, and an output directory with file: before it', async () => {
  mkdirSync(join(job, 'sub'));
  const file = write('sub/B.root');
  expect((await stage(relative(process.cwd(), file), { directory: `file://${out}` })).path).toBe(join(out, 'B.root'));
});

test.each([
  ['file:///a/b', '/a/b'],
  ['file:/a/b/', '/a/b'],
  ['//a//b', '/a/b'],
  ['/a', '/a'],
  ['file:a', join(process.cwd(), 'a')],
])('reads the output directory %s as %s', (text, path) => {
  expect(directoryOf(text)).toBe(path);
});

test('done a second time, with the same content, changes nothing', async () => {
  const file = write('A.root');
  await stage(file);
  const before = statSync(join(out, 'A.root'));
  expect((await stage(file)).how).toBe('present');
  expect(statSync(join(out, 'A.root')).ino).toBe(before.ino);
});

test('copies nothing where the file itself is in its place', async () => {
  writeFileSync(join(out, 'A.root'), 'events');
  symlinkSync(out, join(root, 'link'));
  expect((await stage(join(root, 'link/A.root'))).how).toBe('same');
  expect(readdirSync(out)).toEqual(['A.root']);
});

test("refuses the job's own directory, which does not last, but not a link that leads out of it", async () => {
  const file = write('A.root');
  mkdirSync(join(job, 'sub'));
  for (const directory of [job, join(job, 'sub')]) {
    await expect(stage(file, { directory })).rejects.toMatchObject({ code: 'transfer-directory' });
  }
  symlinkSync(out, join(job, 'out'));
  expect(await stage(file, { directory: join(job, 'out') })).toMatchObject({ how: 'put' });
  expect(readdirSync(out)).toEqual(['A.root']);
});

const noGrant: StageOutRequest['claim'] = () =>
  Promise.resolve({ kind: 'answered', value: { cupsid: 7, isGranted: false, reason: "the name belongs to 'B'" } });

test.each([
  ['refused', noGrant, 'transfer-refused', "' is refused: the name belongs to 'B'"],
  [
    'not answered',
    away,
    'transfer-exists',
    "' exists with other content, and the gateway did not grant its name: no answer",
  ],
])('leaves another content as it is when its name is %s', async (_, claim, code, words) => {
  writeFileSync(join(out, 'A.root'), 'older');
  const refused = stage(write('A.root'), { claim });
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  expect(readFileSync(join(out, 'A.root'), 'utf8')).toBe('older');
  expect(readdirSync(out)).toEqual(['A.root']);
});

test('replaces another content if the attempt counts, and keeps what was there', async () => {
  writeFileSync(join(out, 'A.root'), 'older');
  expect((await stage(write('A.root'), { claim: granted })).how).toBe('put');
  expect(readFileSync(join(out, 'A.root'), 'utf8')).toBe('events');
  const kept = readdirSync(out).filter((name) => name !== 'A.root');
  expect(kept).toHaveLength(1);
  expect(kept[0]).toMatch(/^\.A\.root\.before-7-0\./u);
  expect(readFileSync(join(out, kept[0] ?? ''), 'utf8')).toBe('older');
});

test('uses a free name without an answer, and not if the name is refused', async () => {
  expect(await stage(write('A.root'))).toMatchObject({ how: 'put' });
  await expect(stage(write('B.root'), { claim: noGrant })).rejects.toMatchObject({ code: 'transfer-refused' });
  expect(readdirSync(out)).toEqual(['A.root']);
});

test('asks for the name once, and says whether a file would be replaced', async () => {
  writeFileSync(join(out, 'A.root'), 'older');
  const asked: boolean[] = [];
  const claim: StageOutRequest['claim'] = (isTaken) => {
    asked.push(isTaken);
    return granted(isTaken);
  };
  await stage(write('A.root'), { claim });
  await stage(write('B.root'), { claim });
  expect(asked).toEqual([true, false]);
});

test('gives the name to one of several writers of different content', async () => {
  const writers = [1, 2, 3, 4, 5, 6].map(async (number) => {
    mkdirSync(join(job, String(number)));
    const file = write(`${number}/A.root`, `content ${number}`);
    return stage(file, { owner: `${number}-0`, jobDirectory: join(job, String(number)) }).then(
      () => number,
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'odd'),
    );
  });
  const results = await Promise.all(writers);
  const winners = results.filter((result) => typeof result === 'number');
  expect(winners).toHaveLength(1);
  expect(results.filter((result) => result === 'transfer-exists')).toHaveLength(5);
  expect(readFileSync(join(out, 'A.root'), 'utf8')).toBe(`content ${winners[0]}`);
  expect(readdirSync(out)).toEqual(['A.root']);
});

test.each([
  ['there is no such file', 'missing.root', 'out', 'does not exist and cannot be staged out', 'transfer-missing'],
  ['the file is a directory', '.', 'out', 'is not a regular file', 'transfer-missing'],
  ["the file's name is too long", 'x'.repeat(256), 'out', 'the name is too long', 'transfer-missing'],
  ['the directory is not there', 'A.root', 'nowhere', 'does not exist on this node', 'transfer-directory'],
  ['the directory is a file', 'A.root', 'job/A.root', 'is not a directory', 'transfer-directory'],
  ["the directory's name is too long", 'A.root', 'x'.repeat(256), 'the name is too long', 'transfer-directory'],
  ['the directory is below a file', 'A.root', 'job/A.root/out', 'not a directory', 'transfer-directory'],
])('says that %s', async (_, file, directory, words, code) => {
  write('A.root');
  const refused = stage(join(job, file), { directory: join(root, directory) });
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
});

test.each([
  ['a name of 245 bytes', 'D'.repeat(240) + '.root'],
  ['the longest name', 'D'.repeat(250) + '.root'],
  ['the longest name, in characters of three bytes', '€'.repeat(83) + '.root'],
])('stages out %s, also in the place of an older file', async (_, name) => {
  const file = write(name);
  expect(await stage(file)).toMatchObject({ how: 'put', path: join(out, name) });
  write(name, 'newer events');
  expect(await stage(file, { claim: granted })).toMatchObject({ how: 'put' });
  expect(readFileSync(join(out, name), 'utf8')).toBe('newer events');
  const kept = readdirSync(out).filter((other) => other !== name);
  expect(kept).toEqual([expect.stringMatching(/\.before-7-0\.[0-9a-f]{8}$/u)]);
  expect(readFileSync(join(out, kept[0] ?? ''), 'utf8')).toBe('events');
});

test.each([
  ['a directory', () => mkdirSync(join(out, 'A.root')), 'exists and is a directory, not a file'],
  [
    'a link that leads nowhere',
    () => symlinkSync('gone', join(out, 'A.root')),
    "is a symbolic link to 'gone', which leads nowhere: no such file or directory",
  ],
  [
    'a link to itself',
    () => symlinkSync('A.root', join(out, 'A.root')),
    "is a symbolic link to 'A.root', which leads nowhere: too many symbolic links encountered",
  ],
  ['a link to a device', () => symlinkSync('/dev/null', join(out, 'A.root')), 'exists and is a device, not a file'],
])('leaves %s at the destination as it is, and says why (C-W24)', async (_, put, reason) => {
  put();
  const before = lstatSync(join(out, 'A.root'));
  await expect(stage(write('A.root'), { claim: granted })).rejects.toMatchObject({
    code: 'transfer-place',
    message: `'${join(out, 'A.root')}' ${reason}`,
    advice: 'It is left as it is: move it away, then redo the job',
  });
  expect(lstatSync(join(out, 'A.root')).ino).toBe(before.ino);
  expect(readdirSync(out)).toEqual(['A.root']);
});

test('does not wait for a writer where a named pipe is at the destination', async () => {
  await runCommand('mkfifo', [join(out, 'A.root')]);
  await expect(stage(write('A.root'))).rejects.toThrow('exists and is a named pipe, not a file');
});

test('replaces a link to a file, and not the file that it leads to', async () => {
  writeFileSync(join(root, 'elsewhere'), 'older');
  symlinkSync('../elsewhere', join(out, 'A.root'));
  expect(await stage(write('A.root'), { claim: granted })).toMatchObject({ how: 'put' });
  expect(lstatSync(join(out, 'A.root')).isFile()).toBe(true);
  expect(readFileSync(join(root, 'elsewhere'), 'utf8')).toBe('older');
});

test('leaves nothing when it is ended in the middle', async () => {
  const controller = new AbortController();
  const file = write('A.root', 'x'.repeat(2_000_000));
  controller.abort();
  await expect(stage(file, { signal: controller.signal })).rejects.toMatchObject({ code: 'transfer-stopped' });
  expect(readdirSync(out)).toEqual([]);
});

test('notices a source that is written to while it is copied', async () => {
  const file = write('A.root', 'x'.repeat(60_000_000));
  const copying = copyVerified(file, join(out, 'A'), never);
  copying.catch(() => undefined);
  await waitUntil(() => (existsSync(join(out, 'A')) ? true : undefined), { timeoutMs: 25_000, everyMs: 1 });
  appendFileSync(file, 'more');
  await expect(copying).rejects.toMatchObject({ code: 'transfer-changed' });
});

test('removes what a killed process left of its copy, and nothing of one that lives', () => {
  const left = join(out, '.A.root.7-0.aaaa.part');
  writeFileSync(left, 'half');
  recordCopy(job, left);
  expect(removeLeftCopies(job)).toEqual([]);
  mkdirSync(join(job, '.slurp-copies'), { recursive: true });
  // No process ever has this number.
  writeFileSync(join(job, '.slurp-copies/4194999-1'), left);
  expect(removeLeftCopies(job)).toEqual([left]);
  expect(readdirSync(out)).toEqual([]);
});

test('never uses a name that is taken', async () => {
  const [one, two] = [join(out, 'one.part'), join(out, 'two.part')];
  writeFileSync(one, '1');
  writeFileSync(two, '2');
  expect(await putInPlace(one, join(out, 'A'))).toBe(true);
  expect(await putInPlace(two, join(out, 'A'))).toBe(false);
  expect(readFileSync(join(out, 'A'), 'utf8')).toBe('1');
  await putReplacement(two, join(out, 'A'), join(out, 'kept'));
  expect(readFileSync(join(out, 'A'), 'utf8')).toBe('2');
  expect(readFileSync(join(out, 'kept'), 'utf8')).toBe('1');
});

test('reads size and checksum of a file', async () => {
  expect(await readFacts(write('A', 'abc'), never)).toEqual({ sizeBytes: 3, md5: '900150983cd24fb0d6963f7d28e17f72' });
});

test('says of a name that is not UTF-8 that it is not', async () => {
  // What of a name cannot be decoded reaches a program as U+FFFD.
  const file = join(job, 'DST_\uFFFD.root');
  await expect(stage(file)).rejects.toMatchObject({
    code: 'transfer-name',
    message: `The name '${file}' is not UTF-8: expected a file name in UTF-8`,
  });
});
