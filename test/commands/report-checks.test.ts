import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { kindOf, readSpool } from '#job/spool/read-spool.ts';
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
  writeFileSync(join(scratch, name), 'events');
});
afterEach(async () => {
  await gateway.close();
  rmSync(out, { recursive: true });
});

const name = 'DST_CALO_run2pp_new_2024p007-00053534-00000.root';
const who = ['-r', '53534', '-s', '0', '-d', 'DST_CALO_run2pp_new_2024p007'];
const cups = (...line: readonly string[]): Promise<CommandResult> => place.run(scratch, ['cups', ...who, ...line]);
const spoolKinds = (): readonly unknown[] => {
  const path = join(scratch, 'spool-7-0.jsonl');
  return existsSync(path) ? readSpool(path).records.map(kindOf) : [];
};

const wholeOf = (least: number, most: number): string => `expected a whole number from ${least} to ${most}`;
const codes = wholeOf(-2147483647, 2147483647);
const counts = wholeOf(-1e12, 1e12);
const aName = 'expected a name of 1 to 255 bytes without control characters';

describe('a value that no report can hold is refused before anything is written or copied (C-W26)', () => {
  test.each([
    ['finished -e 99999999999', `--exit is '99999999999': ${codes}`],
    ['finished -e -2147483648', `--exit is '-2147483648': ${codes}`],
    ['exitcode -e 2147483648', `--exit is '2147483648': ${codes}`],
    ['finished --nevents 1000000000001', `--nevents is '1000000000001': ${counts}`],
    ['finished --nsegments 1000001', `--nsegments is '1000001': ${wholeOf(0, 1000000)}`],
    ['running --nsegments 1000001', `--nsegments is '1000001': ${wholeOf(0, 1000000)}`],
    ['nevents --nevents -1000000000001', `--nevents is '-1000000000001': ${counts}`],
  ])('cups %s', async (line, message) => {
    expect(await cups(...line.split(' '))).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await cups(...line.split(' '))).stderr.split('\n')[0]).toBe(`cups: ${message}`);
  });

  test.each([
    ['--dsttype', '', `--dsttype is empty: ${aName}`],
    ['--dsttype', 'DST\nCALO', String.raw`--dsttype is 'DST\nCALO': ${aName}`],
    ['--dataset', '', `--dataset is empty: ${aName}`],
    ['--dataset', 'x'.repeat(256), `--dataset is '${'x'.repeat(60)}…': ${aName}`],
    ['--nevents', '1000000000001', `--nevents is '1000000000001': ${counts}`],
    ['--run', '99999999999', `--run is '99999999999': ${wholeOf(0, 2147483647)}`],
    ['--segment', '2147483648', `--segment is '2147483648': ${wholeOf(0, 2147483647)}`],
  ])('cups stageout %s %j', async (option, value, message) => {
    const result = await cups('stageout', name, out, option, value);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr.split('\n')[0]).toBe(`cups: ${message}`);
    expect(readdirSync(out)).toEqual([]);
    expect(existsSync(join(scratch, name))).toBe(true);
    expect(spoolKinds()).not.toContain('stageout');
  });

  test('cups stageout of a file whose name has two lines', async () => {
    writeFileSync(join(scratch, 'DST\nA.root'), 'events');
    const result = await cups('stageout', 'DST\nA.root', out);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(
      String.raw`FILE is 'DST\nA.root': expected a file name without directory of 1 to 255 bytes without control characters`,
    );
    expect(readdirSync(out)).toEqual([]);
  });

  test.each(['99999-01-01', '0000-01-01', '2025-02-31', '2025-04-10 25:00', '10', 'April', 'now', ''])(
    'a time that is %j',
    async (time) => {
      expect((await cups('--timestamp', time, 'running')).stderr.split('\n')[0]).toBe(
        `cups: Option --timestamp: '${time}' is not a time: expected for example '2025-04-10 12:00:00'`,
      );
    },
  );

  test('several mistakes, all at once', async () => {
    const result = await cups(
      'stageout',
      name,
      out,
      '--dsttype',
      '',
      '--nevents',
      '-99999999999999',
      '--run',
      '99999999999',
    );
    expect(result.exitCode).toBe(2);
    expect(result.stderr.split('\n').slice(0, 3)).toEqual([
      "cups: The report 'stageout' cannot be sent",
      `  --run is '99999999999': ${wholeOf(0, 2147483647)}`,
      `  --dsttype is empty: ${aName}`,
    ]);
  });

  test.each([
    [['created', 'DST_A', '9999999999'], `RUN is '9999999999': ${wholeOf(0, 2147483647)}`],
    [['updated', 'DST_A', '1', '9999999999'], `LASTRUN is '9999999999': ${wholeOf(0, 2147483647)}`],
    [['updated', 'x'.repeat(256), '1'], `DSTNAME is '${'x'.repeat(60)}…': ${aName}`],
    [['--blame', '', 'updated', 'DST_A', '1'], `--blame is empty: ${aName}`],
    [
      ['created', 'DST_A', '1', '--parent', 'a\tb'],
      String.raw`--parent is 'a\tb': expected a name of 1 to 2000 bytes without control characters`,
    ],
  ])('bachi %j', async (line, message) => {
    const result = await place.run(scratch, ['bachi', ...line]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr.split('\n')[0]).toBe(`bachi: ${message}`);
    expect(spoolKinds()).not.toContain('dataset');
  });

  test('a number of the job that no attempt can have', async () => {
    const result = await place.run(scratch, ['cups', ...who, 'running'], { env: { cupsid: '99999999999' } });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain(
      "The job's number cupsid is '99999999999': expected a whole number from 0 to 2147483647",
    );
  });

  test('a list of inputs that is too long for one request', async () => {
    const files = Array.from({ length: 10 }, (_, index) => `/${index}${'"'.repeat(60_000)}`);
    const result = await cups('inputs', '--files', ...files);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/^cups: The report 'inputs' has 1200\d\d\d bytes: expected 999000 at most\n/u);
  });
});

describe('a call that makes no sense is known at the site, as old scripts ignore exit codes (C-W29)', () => {
  const refused = (): readonly unknown[] => gateway.events().map(({ detail }) => detail);
  test('a value that no report can hold', async () => {
    await cups('finished', '-e', '99999999999');
    expect(refused()).toEqual([{ kind: 'refused', report: 'finished', reason: `--exit is '99999999999': ${codes}` }]);
  });

  test('a stage-out: with the bit of a failed one too', async () => {
    await cups('stageout', name, out, '--dsttype', '');
    expect(refused()).toEqual([
      { kind: 'message', text: `Stage-out of '${name}' failed: --dsttype is empty: ${aName}`, flag: 4 },
      { kind: 'refused', report: 'stageout', reason: `--dsttype is empty: ${aName}` },
    ]);
  });

  test('an option that there is not, and a dataset without a run', async () => {
    await cups('running', '--bogus');
    await place.run(scratch, ['bachi', 'created', 'DST_A']);
    expect(refused()).toEqual([
      { kind: 'refused', report: 'running', reason: "Unknown option '--bogus'" },
      { kind: 'refused', report: 'bachi', reason: 'Argument RUN is missing' },
    ]);
  });

  test('but not a subcommand of older systems, nor a call outside of a job', async () => {
    expect(await cups('quality', '--qafile', 'q.json')).toMatchObject({ exitCode: 2 });
    rmSync(join(scratch, 'slurp-job.json'));
    expect(await cups('running', '--bogus')).toMatchObject({ exitCode: 2 });
    expect(refused()).toEqual([]);
    expect(spoolKinds()).toEqual([]);
  });
});

test('any text is a message, the longest that a command line holds and one that is not UTF-8 too (C-W6)', async () => {
  expect(await cups('message', 'x'.repeat(131_000))).toMatchObject({ exitCode: 0, stderr: '' });
  const shell = `cups ${who.join(' ')} message "$(printf 'a\\377b\\nc')"`;
  expect(await place.run(scratch, ['bash', '-c', shell])).toMatchObject({ exitCode: 0, stderr: '' });
  expect(gateway.events().map(({ detail }) => (detail.kind === 'message' ? detail.text.slice(0, 5) : ''))).toEqual([
    'xxxxx',
    'a\uFFFDb\nc',
  ]);
});

test('a file of a job that was made for reading is not staged out', async () => {
  const result = await place.run(scratch, ['cups', ...who, 'stageout', name, out], { env: { cupsid: '0' } });
  expect(result.exitCode).toBe(24);
  expect(readdirSync(out)).toEqual([]);
});

describe('what the gateway refuses all the same is an error of that call (C-W27)', () => {
  test('a report ends with 60, and stays in the spool', async () => {
    gateway.mood.outcome = 'unknown-attempt';
    const result = await cups('running');
    expect(result).toMatchObject({ exitCode: 60, stdout: '' });
    expect(result.stderr).toBe(
      "cups: The gateway refused the report 'running': unknown-attempt\n" +
        "  It is kept in the spool; 'slurp refused' at the site lists refused reports\n",
    );
    expect(spoolKinds()).toEqual(['running']);
  });

  test('so does one of bachi', async () => {
    gateway.mood.outcome = 'forbidden';
    const result = await place.run(scratch, ['bachi', 'updated', 'DST_A', '1']);
    expect(result.exitCode).toBe(60);
    expect(result.stderr).toContain("The gateway refused the report 'bachi updated': forbidden");
  });

  test('a stage-out ends with 31: the copy is in its place, the local file stays', async () => {
    gateway.mood.outcome = 'invalid';
    const result = await cups('stageout', name, out);
    expect(result.exitCode).toBe(31);
    expect(result.stderr).toContain(
      `cups: '${join(out, name)}' is in place but not registered (refused): the local file is kept\n` +
        "cups: The gateway refused the report 'stageout': invalid\n",
    );
    expect(result.stderr).not.toContain('did not answer');
    expect(existsSync(join(scratch, name))).toBe(true);
  });

  test('an earlier report that is refused is said, and does not end this call with an error', async () => {
    gateway.mood.status = 503;
    await cups('running');
    delete gateway.mood.status;
    gateway.mood.forged = (reply) => ({
      status: 200,
      type: 'application/json',
      text: JSON.stringify(reply).replace('"outcome":"new"', '"outcome":"invalid","reason":"too odd"'),
    });
    const result = await cups('message', 'hello');
    expect(result.stderr).toBe("cups: the gateway refused the report 'running': too odd; the spool keeps it\n");
    expect(result.exitCode).toBe(0);
  });

  test('a registration that names another key is not believed: the local file stays', async () => {
    gateway.mood.forged = (reply) => ({
      status: 200,
      type: 'application/json',
      text: JSON.stringify({ results: [], registered: Object(reply).registered }),
    });
    const result = await cups('stageout', name, out);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain('is in place but not registered yet');
    expect(existsSync(join(scratch, name))).toBe(true);
  });
});
