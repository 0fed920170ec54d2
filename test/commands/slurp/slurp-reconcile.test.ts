import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { runCommand } from '#util/run-command.ts';

import { askSite } from '../../util/ask-site.ts';
import { builtProgram } from '../../util/built-program.ts';

const timeoutMs = 120_000;
let home: string;
const program = builtProgram('slurp');

async function slurp(...args: readonly string[]) {
  const env = { ...process.env, PATH: `${home}/bin:${process.env['PATH']}` };
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, [program, ...args], { cwd: home, env });
  return { exitCode, out: stdout, err: stderr };
}

async function read(query: string): Promise<unknown> {
  const rows = await askSite({ site: home, role: 'status', text: `select to_json(q) from (${query}) q` });
  return rows.map(([row = '']): unknown => JSON.parse(row));
}

async function write(query: string): Promise<void> {
  await askSite({ site: home, role: 'status', text: query, isWriting: true });
}

const [confirmed, reserved, gone] = [randomUUID(), randomUUID(), randomUUID()];

/** Stands for all commands of condor: they say what lies in files, or that the schedd is away. */
const fakeCondor = `#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
if [ -e "$here/away" ]; then
  echo '-- Failed to fetch ads from: <127.0.0.1:9618> : host' >&2
  exit 1
fi
case "$(basename "$0") $*" in
  condor_[qh]*) case "$*" in *${confirmed}*) ;; *) echo '[]' && exit ;; esac ;;
esac
case $(basename "$0") in
  condor_q) cat "$here/queue.json" ;;
  condor_history) cat "$here/history.json" ;;
  *) echo "$(basename "$0") $*" >> "$here/done" ;;
esac
`;

const isAway = (away: boolean): Promise<void> =>
  away ? writeFile(join(home, 'away'), '') : rm(join(home, 'away'), { force: true });

const minutesAgo = (minutes: number): number => Math.floor(Date.now() / 1000) - minutes * 60;

function adOf(process: number, ad: Readonly<Record<string, unknown>>) {
  return {
    ...{ SlurpSubmission: confirmed, SlurpCupsid: process + 1, ClusterId: 7, ProcId: process, TotalSubmitProcs: 6 },
    ...{ EnteredCurrentStatus: minutesAgo(30), NumJobStarts: 1, ...ad },
  };
}

/** So many attempts of a submission, submitted an hour ago. */
async function addSubmission(uuid: string, rule: string, state: string, count: number): Promise<void> {
  await write(`
    insert into submission (uuid, rule, backend, state, count, cluster, submission_host, submitted_by, reserved_at)
    values ('${uuid}', '${rule}', 'htcondor', '${state}', ${count}, 7, 'elsewhere', 'somebody', now() at time zone 'utc' - interval '1 hour');
    insert into production_status (dsttype, dstname, dstfile, run, segment, inputs, prod_id, process, status, submitting, submitted, submission_id)
    select '${rule}', '${rule}', '${rule}-' || n, n, 0, 'f', (select min(id) from production_setup), n,
      ${state === 'confirmed' ? `'submitted'` : `'submitting'`}, now() at time zone 'utc' - interval '1 hour',
      now() at time zone 'utc' - interval '1 hour', '${uuid}'
    from generate_series(0, ${count - 1}) n order by n`);
}

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-reconcile-')));
  await mkdir(join(home, 'bin'));
  for (const name of ['condor_q', 'condor_history', 'condor_rm']) {
    await writeFile(join(home, 'bin', name), fakeCondor);
    await chmod(join(home, 'bin', name), 0o755);
  }
  await writeFile(join(home, 'slurp.yaml'), 'batch:\n  backend: htcondor\n');
  await writeFile(join(home, 'queue.json'), JSON.stringify([adOf(0, { JobStatus: 1, NumJobStarts: 0 })]));
  await writeFile(join(home, 'history.json'), '[]');
  await slurp('up');
  await write(`insert into production_setup (name, build, dbtag, repo, dir, hash, revision)
    values ('DST', 'new', 'tag', 'repo', 'dir', 'hash', 0)`);
  await addSubmission(confirmed, 'DST_A', 'confirmed', 6);
  await addSubmission(reserved, 'DST_B', 'reserved', 2);
}, timeoutMs);

afterAll(async () => {
  await slurp('down', '--wait', '0');
  await rm(home, { recursive: true });
}, timeoutMs);

const rows = `select s.rule, run, p.status::text, p.message, hold_code, exit_code, retired_at is null as is_live
  from production_status p join submission s on s.uuid = p.submission_id order by s.rule, run`;

describe('slurp reconcile', () => {
  test(
    'concludes nothing from a schedd that does not answer',
    async () => {
      await isAway(true);
      const before = await read(rows);
      const { exitCode, out, err } = await slurp('reconcile');
      expect(exitCode).toBe(51);
      expect(out).toMatch(/^unknown +1$/mu);
      expect(out).toMatch(/^unknown +8$/mu);
      expect(out).toMatch(/^checked +8$/mu);
      expect(out).toMatch(/^8: 'condor_q' got no answer: .*Failed to fetch ads/mu);
      expect(err).toContain('slurp: The batch system did not answer, so some states are unknown');
      expect(err).toContain('Nothing was changed because of that; run the command again');
      const json = await slurp('reconcile', '--json');
      expect(json.exitCode).toBe(51);
      expect(JSON.parse(json.out)).toMatchObject({
        submissions: { confirmed: 0, withdrawn: 0, waiting: 0, unknown: 1 },
        attempts: { checked: 8, agreed: 0, unknown: 8 },
      });
      expect(await read(rows)).toEqual(before);
      expect(await read('select count(*)::int from production_event')).toEqual([{ count: 0 }]);
    },
    timeoutMs,
  );

  test(
    '--submissions handles unconfirmed submissions only',
    async () => {
      await isAway(false);
      const { exitCode, out, err } = await slurp('reconcile', '--submissions');
      expect(exitCode).toBe(0);
      expect(out).toMatch(/^never submitted, taken back +1$/mu);
      expect(out).not.toContain('attempts');
      expect(err).toContain("Took back 2 jobs of 'DST_B'");
      expect(JSON.parse((await slurp('reconcile', '--submissions', '--json')).out)).toEqual({
        submissions: { confirmed: 0, withdrawn: 0, waiting: 0, unknown: 0 },
      });
    },
    timeoutMs,
  );

  test(
    'reports what is new, once, for one rule or for all',
    async () => {
      const queue = [
        adOf(0, { JobStatus: 1, NumJobStarts: 0 }),
        adOf(1, { JobStatus: 5, HoldReason: 'too much memory', HoldReasonCode: 26, HoldReasonSubCode: 34 }),
      ];
      const history = [
        adOf(2, { JobStatus: 4, ExitCode: 0, ExitBySignal: false }),
        adOf(3, { JobStatus: 3, RemoveReason: 'via condor_rm (by user somebody)' }),
        // Its own word is still waited for.
        adOf(5, { JobStatus: 4, ExitCode: 0, ExitBySignal: false, EnteredCurrentStatus: minutesAgo(-60) }),
      ];
      await writeFile(join(home, 'queue.json'), JSON.stringify(queue));
      await writeFile(join(home, 'history.json'), JSON.stringify(history));
      expect(JSON.parse((await slurp('reconcile', '--rule', 'DST_B', '--json')).out)).toMatchObject({
        attempts: { checked: 0 },
      });
      // --report-only says the same, and changes nothing.
      const before = await read(rows);
      const reported = JSON.parse((await slurp('reconcile', '--report-only', '--json')).out);
      expect(reported).toMatchObject({
        isReportOnly: true,
        attempts: { checked: 6, agreed: 1, waiting: 1, recorded: { held: 1, exited: 1, removed: 1, vanished: 1 } },
      });
      expect((await slurp('reconcile', '--report-only')).out).toMatch(
        /^Nothing was changed; without --report-only, this would be done:$/mu,
      );
      expect(await read(rows)).toEqual(before);
      expect(await read('select count(*)::int from production_event')).toEqual([{ count: 0 }]);
      expect((await slurp('reconcile', '--report-only', '--register')).exitCode).toBe(2);

      const { exitCode, out, err } = await slurp('reconcile');
      expect([exitCode, err]).toEqual([0, '']);
      for (const [row, number] of [
        ...[['unchanged', 1] as const, ['held (new)', 1] as const, ['ended (new)', 1] as const],
        ...[['removed (new)', 1] as const, ['vanished (new)', 1] as const, ['waiting', 1] as const],
        ...[['unknown', 0] as const, ['checked', 6] as const],
      ]) {
        expect(out.split('\n').some((line) => line.startsWith(row) && line.endsWith(` ${number}`))).toBe(true);
      }
      expect(out.split('\n').every((line) => line.length <= 80)).toBe(true);
      expect(await read(`${rows} limit 6`)).toMatchObject([
        { run: 0, status: 'submitted' },
        { run: 1, status: 'held', message: 'too much memory', hold_code: 26 },
        { run: 2, status: 'finished', exit_code: 0 },
        { run: 3, status: 'failed', message: 'via condor_rm (by user somebody)' },
        { run: 4, status: 'failed', message: expect.stringContaining('neither in the queue nor in the history') },
        { run: 5, status: 'submitted' },
      ]);
      const again = JSON.parse((await slurp('reconcile', '--json')).out);
      expect(again).toMatchObject({ attempts: { checked: 3, agreed: 2, waiting: 1, unknown: 0 } });
      expect(Object.values(again.attempts.recorded)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    },
    timeoutMs,
  );

  test(
    'does not believe that most jobs vanished at once, unless confirmed',
    async () => {
      await addSubmission(gone, 'DST_C', 'confirmed', 150);
      const mistyped = await slurp('reconcile', '--rule', 'DST_CC');
      expect([mistyped.exitCode, mistyped.err]).toEqual([2, expect.stringContaining("Rule 'DST_CC'")]);
      const doubted = await slurp('reconcile', '--rule', 'DST_C');
      expect(doubted.exitCode).toBe(51);
      expect(doubted.out).toMatch(/^vanished, not recorded +150$/mu);
      expect(doubted.err).toContain('150 of 150 jobs seem to have vanished at once');
      const counts = `select status::text, count(*)::int from production_status where submission_id = '${gone}' group by 1`;
      expect(await read(counts)).toEqual([{ status: 'submitted', count: 150 }]);
      expect((await slurp('reconcile', '--report-only')).exitCode).toBe(51);
      const alarms = "select cause, what from alarm where cleared_at is null and cause like 'mass:%'";
      expect(await read(alarms)).toEqual([]);
      expect((await slurp('reconcile')).exitCode).toBe(51);
      expect(await read(alarms)).toEqual([
        {
          cause: 'mass:jobs',
          what: '150 of 153 open attempts seem to have vanished from the batch system at once',
        },
      ]);
      const believed = await slurp('reconcile', '--rule', 'DST_C', '--yes', '--json');
      expect(believed).toMatchObject({ exitCode: 0, err: '' });
      expect(JSON.parse(believed.out)).toMatchObject({ attempts: { disbelieved: 0, recorded: { vanished: 150 } } });
      expect(await read(counts)).toEqual([{ status: 'failed', count: 150 }]);
      await slurp('reconcile');
      expect(await read(alarms)).toEqual([]);
    },
    timeoutMs,
  );
});
