import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { stopSession } from '#batch/local/submission/read-run-condition.ts';
import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

import { askSite } from '../../util/ask-site.ts';
import { builtProgram } from '../../util/built-program.ts';
import { commitAll } from '../../util/commit-all.ts';

const timeoutMs = 180_000;
let home: string;
const kaedama = builtProgram('kaedama');
const slurp = builtProgram('slurp');

interface Outcome {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(program: string, args: readonly string[]): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [program, ...args], { cwd: home });
  return { exitCode, out: stdout.replaceAll(home, ''), err: stderr.replaceAll(home, '') };
}

const dispatch = (...args: readonly string[]): Promise<Outcome> => run(kaedama, ['--config', 'rules.yaml', ...args]);

/** Runs statements in the status database; a line a row. */
async function sql(text: string, isWriting = false): Promise<string> {
  const rows = await askSite({ site: home, role: 'status', text, isWriting });
  return rows.map((row) => row.join(',')).join('\n');
}

function ruleText(name: string, more: Readonly<Record<string, string>> = {}): string {
  const { payload = './payload/', script = 'run.sh', query } = more;
  const shown =
    query ??
    `select 'daqdb/filelist' as source, runnumber, 0 as segment, 'raw-' || runnumber as files
      from generate_series(1, 1000) as runnumber
      where true {run_condition} {limit_condition}`;
  return `${name}:
  params:
    name: ${name}_run2pp
    build: new
    build_name: new
    dbtag: 2024p007
    version: 0
    script: ${script}
    payload: ${payload}
    mem: 1024MB
    rsync: "${payload}*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
  input:
    db: daqdb
    lfn2pfn: lfn2lfn
    query: |-
      ${shown}
  filesystem:
    outdir: "${home}/out/$(rungroup)"
    logdir: "file://${home}/log/$(rungroup)"
    histdir: "${home}/hist"
    condor: "${home}/condor"
  job:
    arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`;
}

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-kaedama-')));
  for (const name of ['payload', 'plain']) {
    await mkdir(join(home, name));
    await writeFile(join(home, name, 'run.sh'), '#!/bin/bash\nexit 0\n', { mode: 0o755 });
    await writeFile(join(home, name, 'sleep.sh'), '#!/bin/bash\nsleep 600\n', { mode: 0o755 });
  }
  await commitAll(join(home, 'payload'));
  await writeFile(
    join(home, 'rules.yaml'),
    [
      ruleText('DST_EVENT'),
      ruleText('DST_RACE'),
      ruleText('DST_REDO'),
      ruleText('DST_SLOW', {
        query: `select 'x' as source, runnumber, 0 as segment, 'raw' as files, pg_sleep(600) as waited
      from generate_series(1, 9) as runnumber where true {run_condition}`,
      }),
      ruleText('DST_KILLED', { script: 'sleep.sh' }),
      ruleText('DST_PLAIN', { payload: './plain/' }),
      ruleText('DST_SCRIPTLESS', { script: 'gone.sh' }),
      ruleText('DST_COLUMNLESS', {
        query: 'select runnumber, 0 as segment from generate_series(1, 9) as runnumber where true {run_condition}',
      }),
      ruleText('DST_WRONG', {
        query: `select 'x' as source, runnumber, 0 as segment, filename as files
      from no_such_table where true {run_condition}`,
      }),
    ].join('\n'),
  );
}, timeoutMs);

afterAll(async () => {
  await run(slurp, ['down', '--wait', '60']);
  await rm(home, { recursive: true });
}, timeoutMs);

describe('without a database', () => {
  test('--print-query prints the finished SQL and nothing else, and leaves nothing behind (C-K6)', async () => {
    const before = await readdir(home);
    expect(await dispatch('--print-query', '--runs', '22000', '22100', '--limit', '5')).toEqual({
      exitCode: 0,
      err: '',
      out: `select 'daqdb/filelist' as source, runnumber, 0 as segment, 'raw-' || runnumber as files
from generate_series(1, 1000) as runnumber
where true and runnumber>=22000 and runnumber<=22100  limit 5
`,
    });
    expect((await dispatch('--print-query')).out).toContain('and runnumber>=0');
    expect(await readdir(home)).toEqual(before);
  });

  test('--check lists every mistake in the file, with its line', async () => {
    const { exitCode, out } = await dispatch('--check');
    expect(exitCode).toBe(10);
    expect(out).toMatch(
      /^\/rules\.yaml:\d+:\d+: error: DST_COLUMNLESS: The query returns no column 'source', 'files'/mu,
    );
    expect(out).toMatch(/^\/rules\.yaml:\d+:\d+: warning: DST_SCRIPTLESS: Script '[^']*gone.sh' does not exist/mu);
  });

  test.each([
    [['--config', 'nope.yaml'], 10, "kaedama: Cannot read the rule file '/nope.yaml': no such file or directory\n"],
    [['--config', 'rules.yaml', '--runlist', 'gone.txt'], 12, "run list '/gone.txt': no such file or directory\n"],
    [['--config', 'rules.yaml', '--runlist', 'rules.yaml'], 12, "kaedama: The run list '/rules.yaml' cannot be used\n"],
    [['--config', 'rules.yaml', '--rule', 'DST_EVNT'], 10, "Did you mean 'DST_EVENT'?"],
    [['--rule', 'DST_EVENT'], 2, 'kaedama: Option --config is missing: name a rule file'],
    [
      ['--config', 'rules.yaml', '--unblock-state', 'finishd'],
      2,
      "Option --unblock-state: 'finishd' is not a state: did you mean 'finished'?",
    ],
    [
      ['--config', 'rules.yaml', '-r', '--batch'],
      2,
      'Option --resubmit: it replaces existing files, so --batch also needs --yes',
    ],
    [['--config', 'rules.yaml', '--set-cursor', '1', '--ratchet-cursor'], 2, '--set-cursor: use only one of them'],
    [['--config', 'rules.yaml', '--limt', '3'], 2, "Unknown option '--limt': did you mean '--limit'?"],
    [['--config', 'rules.yaml', '--frobnicate'], 2, "kaedama: Unknown option '--frobnicate'"],
    [['--config', 'rules.yaml', 'stray'], 2, "kaedama: Unexpected argument 'stray'"],
    [['--config', 'rules.yaml', '--check', '--print-query'], 2, '--check and --print-query: use only one of them'],
  ])('complains about %j', async (args, exitCode, message) => {
    const outcome = await run(kaedama, args);
    expect(outcome).toMatchObject({ exitCode, out: '' });
    expect(outcome.err).toContain(message);
  });

  test('C-K2: says all that is wrong with the options at once', async () => {
    expect(await dispatch('--runs', '5', '1', '--limit', 'many', '--why', 'x')).toEqual({
      exitCode: 2,
      out: '',
      err: `kaedama: 3 arguments are wrong
  --limit: 'many' is not a whole number: expected 0 or more
  --why: 'x' is not a whole number: expected 0 or more
  --runs: The range of runs '5 1' is empty: expected the smaller number first
  'kaedama --help' lists the options
`,
    });
  });
});

describe('on an embedded site', () => {
  test(
    '--plan changes nothing, a dispatch submits, and a second one finds nothing to do',
    async () => {
      for (const words of [['--plan'], ['--why', '1'], ['--batch', '--yes'], []]) {
        const missing = await dispatch(...(words.includes('--why') ? [] : ['--runs', '1', '3']), ...words);
        expect(missing).toMatchObject({ exitCode: 3, err: expect.stringContaining('kaedama: No site in ') });
      }
      await run(slurp, ['up']);
      await run(slurp, ['down', '--wait', '0']);
      const plan = await dispatch('--runs', '1', '3', '--plan');
      expect(plan).toMatchObject({ exitCode: 0, out: expect.stringContaining('=           3  ready') });
      expect(plan.err.split('\n')[0]).toBe("kaedama: Starting site '/.slurp-site' (database, gateway, local queue) …");
      expect(await sql('select count(*) from production_status')).toBe('0');

      // Old loops call it like this.
      const first = await run(kaedama, [
        'submit',
        '--config',
        'rules.yaml',
        '--batch',
        '--rule',
        'DST_EVENT',
        '--runs',
        '1',
        '3',
      ]);
      expect(first).toMatchObject({ exitCode: 0, out: 'DST_EVENT: 3 jobs dispatched, cluster 1\n' });
      expect(first.err).toContain("is not published: the checkout has no remote 'origin'");
      expect(
        await sql('select dstname, run, attempt_number, cluster, process from production_status order by run'),
      ).toBe(
        `DST_EVENT_run2pp_new_2024p007_v000,1,1,1,0
DST_EVENT_run2pp_new_2024p007_v000,2,1,1,1
DST_EVENT_run2pp_new_2024p007_v000,3,1,1,2`,
      );
      expect(await dispatch('--runs', '1', '3')).toMatchObject({
        exitCode: 0,
        err: '',
        out: expect.stringMatching(/- +3 {2}blocked[^]*=           0  ready\nDST_EVENT: 0 jobs dispatched\n$/u),
      });
      expect(JSON.parse((await dispatch('--runs', '4', '--batch', '--json')).out)).toMatchObject({
        ...{ rule: 'DST_EVENT', submitted: 1, lost: 0, submissions: [{ cluster: 2, count: 1 }] },
        funnel: { candidates: 1, counts: { ready: 1 } },
      });
    },
    timeoutMs,
  );

  test(
    '--why shows the verdict and the fact behind it',
    async () => {
      await dispatch('--rule', 'DST_RACE', '--runs', '500', '--batch');
      const why = await dispatch('--rule', 'DST_RACE', '--why', '500');
      expect(why.exitCode).toBe(0);
      expect(why.out).toContain('blocked');
      expect(JSON.parse((await dispatch('--rule', 'DST_RACE', '--why', '501', '0', '--json')).out)).toMatchObject({
        ...{ rule: 'DST_RACE', question: { run: 501, segment: 0 } },
      });
    },
    timeoutMs,
  );

  test(
    'C-K4: two at the same moment on one rule dispatch every product once',
    async () => {
      const both = ['--rule', 'DST_RACE', '--runs', '1', '40', '--batch', '--json'];
      const outcomes = await Promise.all([dispatch(...both), dispatch(...both)]);
      expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
      const text = await sql(
        `select count(*), count(distinct dstfile) from production_status where rule = 'DST_RACE' and run <= 40`,
      );
      expect(text).toBe('40,40');
    },
    timeoutMs,
  );

  test.each([
    ['DST_PLAIN', 3, "kaedama: The payload '/plain' is not in a git checkout with a commit"],
    ['DST_SCRIPTLESS', 3, "kaedama: Script 'gone.sh' is neither in the payload '/payload'"],
    ['DST_COLUMNLESS', 11, 'source'],
    ['DST_WRONG', 11, 'no_such_table'],
  ])(
    'leaves nothing half done for %s (C-K5)',
    async (rule, exitCode, message) => {
      const outcome = await dispatch('--rule', rule, '--runs', '1', '--batch');
      expect([outcome.exitCode, outcome.err]).toEqual([exitCode, expect.stringContaining(message)]);
      expect(outcome.err).not.toMatch(/^\s+at /mu);
      expect(await sql(`select count(*) from production_status where rule = '${rule}'`)).toBe('0');
    },
    timeoutMs,
  );

  test.each([
    [
      'DST_PLAIN',
      "note: a dispatch would refuse this now: The payload '/plain' is not in a git checkout with a commit: ",
    ],
    ['DST_SCRIPTLESS', "note: a dispatch would refuse this now: Script 'gone.sh' is neither in the payload '/payload'"],
  ])(
    '--plan says of %s what a dispatch would refuse it for',
    async (rule, note) => {
      const outcome = await dispatch('--rule', rule, '--runs', '1', '--plan');
      expect([outcome.exitCode, outcome.out]).toEqual([0, expect.stringContaining(note)]);
      const json = await dispatch('--rule', rule, '--runs', '1', '--plan', '--json');
      expect(JSON.parse(json.out)).toMatchObject({ refusals: [expect.stringMatching(/; /u)], ready: [{ run: 1 }] });
    },
    timeoutMs,
  );

  test(
    'interrupted while it decides, it says that nothing was submitted, and ends with 130',
    async () => {
      const child = spawn(process.execPath, [kaedama, '--config', 'rules.yaml', '--rule', 'DST_SLOW', '--runs', '1'], {
        cwd: home,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let err = '';
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      const ended = once(child, 'close');
      const isDeciding = async (): Promise<true | undefined> => {
        const text = await sql(`select count(*) > 0 as n from pg_stat_activity where wait_event = 'PgSleep'`);
        return text === 't' ? true : undefined;
      };
      expect(await waitUntil(isDeciding, { timeoutMs: 60_000, everyMs: 100 }), err).toBe(true);
      child.kill('SIGINT');
      expect(await ended).toEqual([130, null]);
      expect(err).toMatch(/^kaedama: Interrupted: nothing was submitted\n$/mu);
    },
    timeoutMs,
  );

  test(
    'a job that is killed before it reports an end has failed, without a command',
    async () => {
      await dispatch('--rule', 'DST_KILLED', '--runs', '7', '--batch');
      const rows = (column: string): Promise<string> =>
        sql(`select ${column} from production_status where rule = 'DST_KILLED'`);
      const until = (state: string): Promise<true | undefined> =>
        waitUntil(async () => ((await rows('status')) === state ? true : undefined), {
          ...{ timeoutMs: 90_000, everyMs: 100 },
        });
      expect(await until('started')).toBe(true);
      // Jobs of the tests before, which have finished, may take a moment to leave.
      const isAlone = async (): Promise<true | undefined> =>
        JSON.parse((await run(slurp, ['status', '--json'])).out).queue.running === 1 ? true : undefined;
      expect(await waitUntil(isAlone, { timeoutMs: 30_000, everyMs: 500 })).toBe(true);
      const jobs = join(home, '.slurp-site', 'jobs');
      const files = await readdir(jobs, { recursive: true });
      const claims = files.filter((file) => file.endsWith('/run/0.0/pid'));
      for (const file of claims) await stopSession(Number.parseInt(await readFile(join(jobs, file), 'utf8'), 10));
      expect(await until('failed')).toBe(true);
      expect(await rows('message')).toContain('The job ended without a result');
      expect((await run(slurp, ['status'])).out).toContain('DST_KILLED');
    },
    timeoutMs,
  );

  test(
    'redoes what is unblocked or resubmitted, moves the cursor, and names the runs in the log (C-K7, C-K8)',
    async () => {
      const redo = (...args: readonly string[]): Promise<Outcome> =>
        dispatch('--rule', 'DST_REDO', '--runs', '1', '3', ...args);
      expect(await redo('--batch', '--ratchet-cursor')).toMatchObject({
        out: expect.stringMatching(/^DST_REDO: 3 jobs dispatched/u),
        err: expect.stringContaining("The cursor of 'DST_REDO' is at run 3\n"),
      });
      const attempts = `select run, attempt_number, retired_at is null as live from production_status
        where rule = 'DST_REDO' order by run, attempt_number`;
      await sql(`update production_status set status = 'finished' where rule = 'DST_REDO' and run < 3`, true);
      // Without a terminal the question cannot be answered.
      expect(await redo('-u', 'finished', '-r')).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining("If you mean it, add '--yes'"),
      });
      const again = ['-u', 'finished', '-r', '--yes', '--batch', '--maxjobs', '1', '--docstring', 'once more'];
      expect(await redo(...again, '--set-cursor', '2')).toMatchObject({
        exitCode: 0,
        out: expect.stringMatching(/^DST_REDO: 1 job dispatched/u),
        err: expect.stringContaining("The cursor of 'DST_REDO' is at run 2\n"),
      });
      expect(await sql(attempts)).toBe('1,1,f\n1,2,t\n2,1,t\n3,1,t');
      const logs = join(home, '.slurp-site', 'logs', 'kaedama', 'DST_REDO');
      const [file = ''] = await readdir(logs);
      const lines = (await readFile(join(logs, file), 'utf8')).trim().split('\n');
      expect(JSON.parse(lines.findLast((line) => line.includes('"dispatched"')) ?? '')).toMatchObject({
        ...{ mode: 'production', by: 'batch', rule: 'DST_REDO', submitted: 1, docstring: 'once more' },
        ...{ name: 'DST_REDO_run2pp_new_2024p007_v000', segments: { 1: '0' } },
      });
      expect(await redo('--mark-held-jobs', '--clear-held-jobs', '--batch')).toMatchObject({
        exitCode: 0,
        err: expect.stringContaining("0 jobs of 'DST_REDO' held\nkaedama: 0 held jobs of 'DST_REDO' removed\n"),
      });
      expect((await dispatch('--rule', 'DST_REDO', '--runs', '8', '9', '--dump', 'dump')).out).toBe(
        "DST_REDO: 2 jobs in '/dump/submit.json' and '/dump/submit.jsonl'\n",
      );
    },
    timeoutMs,
  );

  test(
    'C-K3: reads the cursor where no runs are given',
    async () => {
      await sql(
        `insert into production_cursor (dsttype, build, tag, version, lastrun)
         values ('DST_EVENT_run2pp', 'new', '2024p007', 0, 998)`,
        true,
      );
      expect((await dispatch('--plan')).out).toContain('3  rows of the query');
      expect((await dispatch('--print-query', '--runs', 'cursor')).out).toContain('and runnumber>=998');
    },
    timeoutMs,
  );
});
