import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { kindOf, parseSpool, readSpool } from '#job/spool/read-spool.ts';
import { appendToSpool } from '#job/spool/spool.ts';
import { waitUntil } from '#util/wait-until.ts';

const at = '2025-04-10T12:00:00.000Z';
const programs = mkdtempSync(join(tmpdir(), 'slurp-appender-'));
const appender = join(programs, 'append-reports.mjs');
beforeAll(async () => {
  const source = fileURLToPath(new URL('./append-reports.ts', import.meta.url));
  await build({ entryPoints: [source], outfile: appender, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rmSync(programs, { recursive: true }));

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slurp-spool-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const identityIn = (place: string): Parameters<typeof appendToSpool>[0] => ({
  cupsid: 7,
  start: 0,
  node: 'n',
  directory: place,
});

function textsOf(path: string): readonly string[] {
  return readSpool(path).records.map(({ value }) => {
    const { detail } = value;
    return typeof detail === 'object' && detail !== null && 'text' in detail ? String(detail.text) : '';
  });
}

/** A process that appends. */
interface Appender {
  /** Kills it once it has acknowledged so many. */
  killAfter(count: number): Promise<void>;
  /** What it acknowledged: `SEQUENCE WHO INDEX` each. */
  readonly done: Promise<readonly string[]>;
}

function append(who: string, count: number, length: number): Appender {
  const child = spawn(process.execPath, [appender, directory, who, String(count), String(length)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const acknowledged = (): readonly string[] => output.split('\n').filter((line) => /^\d+ \w+ \d+$/u.test(line));
  const done = new Promise<readonly string[]>((resolve) => {
    child.on('close', () => resolve(acknowledged()));
  });
  return {
    killAfter: async (wanted) => {
      await waitUntil(() => (acknowledged().length >= wanted ? true : undefined), { timeoutMs: 20_000, everyMs: 5 });
      child.kill('SIGKILL');
    },
    done,
  };
}

test('begins with a header that names the attempt, and gives each report its byte offset (C-W12)', () => {
  const first = appendToSpool(identityIn(directory), at, { kind: 'started', node: 'n' });
  const second = appendToSpool(identityIn(directory), at, { kind: 'running' });
  const { header, records } = readSpool(first.path);
  expect(first.path).toBe(join(directory, 'spool-7-0.jsonl'));
  expect(header).toMatchObject({ v: 1, cupsid: 7, start: 0 });
  expect(records.map(({ sequence }) => sequence)).toEqual([first.sequence, second.sequence]);
  expect(records.map(kindOf)).toEqual(['started', 'running']);
  expect(records[1]?.value).toEqual({ v: 1, cupsid: 7, start: 0, at, detail: { kind: 'running' } });
  expect(readdirSync(directory)).toEqual(['spool-7-0.jsonl']);
});

test('keeps every report of many processes that begin at the same moment, each at the offset that it reported', async () => {
  const reported = await Promise.all(
    ['a', 'b', 'c', 'd'].map((who) => append(who, 60, who === 'a' ? 20_000 : 50).done),
  );
  const { header, records, unreadable } = readSpool(join(directory, 'spool-7-0.jsonl'));
  expect(header).toBeDefined();
  expect(unreadable).toEqual([]);
  const found = records.map(({ sequence, value }) => {
    const { detail } = value;
    const text = typeof detail === 'object' && detail !== null && 'text' in detail ? String(detail.text) : '';
    return `${sequence} ${text.trim().replace(/ x+$/u, '')}`;
  });
  expect(found.toSorted()).toEqual(reported.flat().toSorted());
  expect(found).toHaveLength(240);
});

test('keeps all that was acknowledged before a kill -9, and continues after it', async () => {
  for (let round = 0; round < 3; round += 1) {
    const writers = [append('k', 1_000_000, 3000), append('m', 1_000_000, 10)];
    await Promise.all(writers.map(({ killAfter }) => killAfter(20 + 37 * round)));
    const reported = (await Promise.all(writers.map(({ done }) => done))).flat();
    const after = appendToSpool(identityIn(directory), at, { kind: 'message', text: 'after' });
    const sequences = new Set(readSpool(after.path).records.map(({ sequence }) => sequence));
    expect(reported.length).toBeGreaterThan(0);
    expect(reported.filter((line) => !sequences.has(Number(line.split(' ')[0])))).toEqual([]);
    expect(textsOf(after.path).at(-1)).toBe('after');
  }
});

test('loses of a line that was cut short only that line, wherever the cut is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90 }), fc.string({ maxLength: 40, unit: 'grapheme' }), (cut, text) => {
      const place = mkdtempSync(join(directory, 'torn-'));
      const { path } = appendToSpool(identityIn(place), at, { kind: 'message', text: 'before' });
      const whole = Buffer.from(JSON.stringify({ v: 1, detail: { kind: 'message', text: 'torn, and long enough' } }));
      appendFileSync(path, whole.subarray(0, Math.min(cut, whole.length - 1)));
      appendToSpool(identityIn(place), at, { kind: 'message', text });
      appendToSpool(identityIn(place), at, { kind: 'message', text: 'last' });
      expect(textsOf(path)).toEqual(['before', text, 'last']);
      expect(readSpool(path).unreadable).toHaveLength(1);
    }),
    { numRuns: 60 },
  );
});

test('reads what it wrote, at every length of the file, and never throws', () => {
  const { path } = appendToSpool(identityIn(directory), at, { kind: 'message', text: 'Überlänge\n{"source": 1}' });
  appendToSpool(identityIn(directory), at, { kind: 'inputs', files: ['/a b', '/c'] });
  const bytes = readFileSync(path);
  const whole = parseSpool(bytes);
  for (let length = 0; length <= bytes.length; length += 1) {
    const part = parseSpool(bytes.subarray(0, length));
    expect(part.records).toEqual(whole.records.filter(({ sequence, sizeBytes }) => sequence + sizeBytes <= length));
    expect(part.end).toBeLessThanOrEqual(length);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => void parseSpool(Buffer.from(noise))));
});

test('accepts a header that came late, and no second one', () => {
  const header = { v: 1, source: 'first', cupsid: 7, start: 0 };
  const event = { v: 1, cupsid: 7, start: 0, at, detail: { kind: 'running' } };
  const lines = [event, header, { ...header, source: 'second' }, event].map((line) => `${JSON.stringify(line)}\n`);
  const { header: found, records } = parseSpool(Buffer.from(lines.join('')));
  expect(found?.source).toBe('first');
  expect(records).toHaveLength(2);
});

test('skips what is before an offset, except the header, wherever that is', () => {
  const lines = Array.from({ length: 200 }, (_, index) =>
    appendToSpool(identityIn(directory), at, { kind: 'message', text: `report ${index}` }),
  );
  const [{ path } = { path: '' }] = lines;
  const whole = readSpool(path);
  for (const from of [0, lines[20]?.sequence ?? 0, lines[150]?.sequence ?? 0, whole.end, whole.end + 1000]) {
    const { records, header } = readSpool(path, from);
    expect(records.filter(({ sequence }) => sequence >= from)).toEqual(
      whole.records.filter(({ sequence }) => sequence >= from),
    );
    expect(header).toEqual(whole.header);
  }
  expect(readSpool(path, lines[199]?.sequence).records).toHaveLength(1);

  const [header = '', ...rest] = readFileSync(path, 'utf8').trimEnd().split('\n');
  writeFileSync(path, [...rest, header, ''].join('\n'));
  expect(readSpool(path, lines[150]?.sequence).header).toEqual(whole.header);
});

test('says it when the directory cannot be written', () => {
  expect(() => appendToSpool(identityIn('/proc/nowhere'), at, { kind: 'running' })).toThrow('ENOENT');
});
