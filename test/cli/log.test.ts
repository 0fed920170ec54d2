import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished, vi } from 'vitest';

import { logFileOf, openLog, renderLogLine } from '#cli/log.ts';

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

it('writes a line of JSON with command and mode into the file of the day (C-K7)', () => {
  const directory = join(temporaryDirectory(), 'logs');
  const log = openLog({ command: 'kaedama', mode: 'testbed', directory, shown: 'silent' });
  log.info({ rule: 'DST_X', url: 'postgresql://a:secret@b/c' }, 'Submitted');
  const text = readFileSync(logFileOf(directory, new Date()), 'utf8');
  expect(text).not.toContain('secret');
  expect(JSON.parse(text)).toMatchObject({
    command: 'kaedama',
    mode: 'testbed',
    rule: 'DST_X',
    msg: 'Submitted',
    level: 30,
  });
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

it('keeps the cause of an error', () => {
  const directory = temporaryDirectory();
  openLog({ command: 'serve', mode: 'production', directory, shown: 'silent' }).error(
    { err: new Error('outer', { cause: new Error('inner') }) },
    'Failed',
  );
  expect(readFileSync(logFileOf(directory, new Date()), 'utf8')).toContain('inner');
});

it('renders lines for reading', () => {
  const line =
    '{"level":40,"time":"2025-04-10T08:17:54.100Z","command":"serve","mode":"testbed","pid":7,"n":3,"who":"a b","msg":"Late"}';
  expect(renderLogLine(line)).toBe('08:17:54 warn serve [testbed]: Late n=3 who="a b"');
  expect(renderLogLine(line, true)).toBe('08:17:54 \u001B[33mwarn\u001B[0m serve [testbed]: Late n=3 who="a b"');
});

it('keeps the files of 90 days, and nothing else is removed', () => {
  const directory = temporaryDirectory();
  const daysAgo = (days: number): string => logFileOf('', new Date(Date.now() - days * 24 * 3600 * 1000));
  for (const name of [daysAgo(91), daysAgo(90), '2020-01-01.log.gz', '2020-01-01.txt'])
    writeFileSync(join(directory, name), 'x');
  openLog({ command: 'ramenya', mode: 'production', directory, shown: 'silent' }).info({}, 'One');
  expect(readdirSync(directory).sort()).toEqual(['2020-01-01.log.gz', '2020-01-01.txt', daysAgo(90), daysAgo(0)]);
});

it('says once that its disk is full, and stops nothing', () => {
  const directory = temporaryDirectory();
  const file = logFileOf(directory, new Date());
  symlinkSync('/dev/full', file);
  const said: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  onTestFinished(() => spy.mockRestore());
  const log = openLog({ command: 'serve', mode: 'production', directory, shown: 'silent' });
  log.info({}, 'One');
  log.info({}, 'Two');
  expect(said).toEqual([`The log '${file}' cannot be written; continuing without it: no space left on device\n`]);
});
