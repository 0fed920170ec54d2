import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { runCommand } from '#util/run-command.ts';

import { askSite } from '../../util/ask-site.ts';
import { builtProgram } from '../../util/built-program.ts';

const timeoutMs = 120_000;
let home: string;
const program = builtProgram('slurp');

async function slurp(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [program, ...args], { cwd: home });
  return { exitCode, out: stdout, err: stderr };
}

const submission = randomUUID();

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-ingest-')));
  await slurp('up');
  const text = `insert into production_setup (name, build, dbtag, repo, dir, hash) values ('DST', 'new', 'tag', 'repo', 'dir', 'hash');
     insert into submission (uuid, rule, backend, state, count, submission_host, submitted_by)
     values ('${submission}', 'DST', 'local', 'confirmed', 5, 'host', 'somebody');
     insert into production_status (dsttype, dstname, dstfile, run, segment, inputs, prod_id, status, submission_id)
     select 'DST', 'DST', 'DST-' || n, n, 0, 'f', (select min(id) from production_setup), 'submitted', '${submission}'
     from generate_series(1, 5) n order by n`;
  await askSite({ site: home, role: 'status', text, isWriting: true });
}, timeoutMs);

afterAll(async () => {
  await slurp('down', '--wait', '0');
  await rm(home, { recursive: true });
}, timeoutMs);

interface SpoolText {
  readonly cupsid: number;
  /** Of the header. */
  readonly submission?: string;
  readonly details: readonly object[];
  /** Behind the last line. */
  readonly rest?: string;
}

/** Lays a spool down; its name is relative to the site. */
async function writeSpool(name: string, text: SpoolText): Promise<string> {
  const { cupsid, details, rest = '' } = text;
  const header = { v: 1, source: randomUUID(), cupsid, start: 0, submission: text.submission ?? submission };
  const lines = details.map((detail) => ({ v: 1, cupsid, start: 0, at: '2026-04-10T12:00:00.000Z', detail }));
  await writeFile(join(home, name), [...[header, ...lines].map((line) => `${JSON.stringify(line)}\n`), rest].join(''));
  return name;
}

const started = { kind: 'started', node: 'n1' };
const finished = { kind: 'finished', exitCode: 0, nevents: 7 };

async function readState(run: number): Promise<string> {
  const asked = `select status, nevents from production_status where run = ${run}`;
  const [row = []] = await askSite({ site: home, role: 'status', text: asked });
  return row.join(',');
}

const countEvents = (): Promise<unknown> =>
  askSite({ site: home, role: 'status', text: 'select count(*) from production_event' });

test(
  'takes a spool, the second time changes nothing, and the file stays',
  async () => {
    const file = await writeSpool('spool-1-0.jsonl', { cupsid: 1, details: [started, finished] });
    const before = await readFile(join(home, file));
    const first = await slurp('ingest', file);
    expect(first).toMatchObject({ exitCode: 0, err: '' });
    expect(first.out).toMatch(/^spool +new +known +refused$/mu);
    expect(first.out).toMatch(/^spool-1-0\.jsonl +2 +0 +0$/mu);
    expect(await readState(1)).toBe('finished,7');
    const second = await slurp('ingest', file, '--json');
    expect(second).toMatchObject({ exitCode: 0, err: '' });
    expect(JSON.parse(second.out)).toEqual([
      {
        ...{ file, complaints: [] },
        counts: { new: 0, duplicate: 2, 'unknown-attempt': 0, forbidden: 0, invalid: 0 },
      },
    ]);
    expect(await readFile(join(home, file))).toEqual(before);
  },
  timeoutMs,
);

test(
  'takes what can be taken of many files, and names all the rest at once',
  async () => {
    await mkdir(join(home, 'folder'));
    await writeFile(join(home, 'empty'), '');
    const files = [
      await writeSpool('spool-2-0.jsonl', { cupsid: 2, details: [started], rest: '{"v":1,"att' }),
      await writeSpool('spool-3-0.jsonl', {
        ...{ cupsid: 3, details: [started, { kind: 'nevents', nevents: 'many' }, { kind: 'running' }] },
        rest: 'garbage\n',
      }),
      'spool-9-0.jsonl',
      'folder',
      // Of other sites: one whose attempt is unknown here, and one whose attempt has the number of one of ours.
      await writeSpool('spool-4711-0.jsonl', { cupsid: 4711, submission: randomUUID(), details: [started] }),
      await writeSpool('spool-4-0.jsonl', { cupsid: 4, submission: randomUUID(), details: [started, finished] }),
      // Its name says something else.
      await writeSpool('spool-5-1.jsonl', { cupsid: 1, details: [{ kind: 'message', text: 'x' }] }),
      await writeSpool('by-hand', { cupsid: 5, details: [started, finished] }),
    ];
    const { exitCode, out, err } = await slurp('ingest', ...files);
    expect(exitCode).toBe(12);
    for (const line of [
      /^slurp: \d+ problems in 8 files: some lines were rejected$/mu,
      /^ +spool-2-0\.jsonl: the last line is torn \(11 bytes\)$/mu,
      /^ +spool-3-0\.jsonl:3: detail\.nevents is 'many': expected a whole number from /mu,
      /^ +spool-3-0\.jsonl:5: is not a JSON record$/mu,
      /^ +spool-9-0\.jsonl: no such file or directory$/mu,
      /^ +folder: it is a directory$/mu,
      /^ +spool-4711-0\.jsonl:2: unknown-attempt 4711$/mu,
      /^ +spool-4-0\.jsonl:2: cupsid 4 does not belong to the submission in the spool: it is from another site$/mu,
      /^ +spool-5-1\.jsonl:2: speaks for cupsid 1: expected 5, as in the file's name$/mu,
      /All other lines are in the database/u,
    ]) {
      expect(err).toMatch(line);
    }
    expect(out).toMatch(/^spool-2-0\.jsonl +1 +0 +1$/mu);
    expect(out).toMatch(/^spool-3-0\.jsonl +2 +0 +2$/mu);
    expect(out).toMatch(/^8 files +5 +0 +\d+$/mu);
    expect([await readState(2), await readState(3), await readState(4), await readState(5)]).toEqual([
      ...['started,0', 'running,0', 'submitted,0', 'finished,7'],
    ]);
    for (const file of files.filter((name) => name !== 'spool-9-0.jsonl')) {
      expect(await readdir(home)).toContain(file);
    }
    const before = await countEvents();
    expect((await slurp('ingest', ...files)).exitCode).toBe(12);
    expect(await countEvents()).toEqual(before);
  },
  timeoutMs,
);

test(
  'lists what was rejected, and resolves what was looked at (C-W29)',
  async () => {
    const listed = await slurp('refused');
    expect(listed).toMatchObject({ exitCode: 0, err: '' });
    expect(listed.out).toMatch(/^cupsid +product +report +refused +reason$/mu);
    expect(listed.out).toMatch(/^3 +DST-3 +nevents +\d{4}-\d\d-\d\d \d\d:\d\d +detail\.nevents is 'many': /mu);
    expect(listed.out).toMatch(/^3 +DST-3 +unreadable line /mu);
    expect((await slurp('status')).out).toMatch(/^refused +reports of 2 attempts: 'slurp refused' lists them$/mu);
    expect(JSON.parse((await slurp('status', '--json')).out)).toMatchObject({
      refusedAttempts: 2,
      refusedSpools: 0,
      gateway: { health: 'degraded', complaints: ["reports of 2 attempts were refused: see 'slurp refused'"] },
    });
    expect(await slurp('refused', '--resolve')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("'--resolve' needs the cupsids of attempts, or '--all'"),
    });
    expect((await slurp('refused', 'x')).exitCode).toBe(2);
    const resolved = await slurp('refused', '3', '--resolve', '--note', 'made by hand');
    expect(resolved).toMatchObject({ exitCode: 0, out: 'Resolved 2 reports and 0 spools\n' });
    expect(JSON.parse((await slurp('refused', '--json')).out)).toMatchObject({ reports: [{ cupsid: 5 }], spools: [] });
    expect((await slurp('refused', '--all', '--resolve', '--json')).out).toBe('{"resolved":1,"spools":[]}\n');
    expect((await slurp('refused')).out).toBe('No report was refused or remarked on\n');
    expect((await slurp('status')).out).not.toMatch(/^refused/mu);
  },
  timeoutMs,
);
