import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { waitUntil } from '#util/wait-until.ts';

import { eachOf, valueOf } from '../contract.ts';
import { openPoolBackend } from './pool-backend.ts';
import { readAds } from './read-ads.ts';

import type { BatchJob, BatchSubmission } from '#batch/backend.ts';

import type { PoolBackend } from './pool-backend.ts';

describe('HTCondor, when commands or answers are lost', () => {
  let pool: PoolBackend;
  let hasty: PoolBackend;
  beforeAll(async () => {
    pool = await openPoolBackend();
    hasty = await openPoolBackend({ commandTimeoutMs: 3000 });
    await pool.stopStarting();
    await hasty.stopStarting();
  });
  afterAll(async () => {
    await pool.close();
    await hasty.close();
  });

  const prepare = async (count: number): Promise<readonly [BatchSubmission, readonly BatchJob[]]> => {
    const uuid = randomUUID();
    const directory = join(pool.workDirectory, uuid);
    await mkdir(directory, { mode: 0o700 });
    await writeFile(join(directory, 'slurp-token'), 'secret\n', { mode: 0o600 });
    const { workDirectory, workerDirectory } = pool;
    const jobs = Array.from({ length: count }, (_, process) => ({
      ...{ process, cupsid: 1000 + process, dstfile: `DST-${process}`, executable: '/bin/true' },
      ...{ arguments: `${process}`, commands: {} },
    }));
    const submission = {
      uuid,
      count,
      directory,
      batchName: 'faults',
      workerDirectory,
      environment: {},
      isSupervised: false,
    };
    return [{ ...submission, submitDirectory: workDirectory, spoolDirectory: workDirectory }, jobs];
  };
  const submitWith = async (faults: string, count = 3, under = pool) => {
    const [submission, jobs] = await prepare(count);
    const outcome = await under.withFaults(faults, () => under.backend.submit(submission, eachOf(jobs)));
    return { ...submission, outcome };
  };

  test.each(['lost', 'silent', 'garbage'])('does not know of a submission whose reply is %s', async (fault) => {
    const { uuid, outcome } = await submitWith(`condor_submit=${fault}`);
    expect(outcome.kind).toBe('unknown');
    const isThere = fault !== 'garbage';
    expect(valueOf(await pool.backend.findSubmissions([uuid]))).toMatchObject(isThere ? [{ uuid, count: 3 }] : []);
  });

  test('does not know of a submission whose reply is cut short', async () => {
    const { uuid, outcome } = await submitWith('condor_submit=cut');
    expect(outcome).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('cannot be understood') });
    expect(valueOf(await pool.backend.findSubmissions([uuid]))).toHaveLength(1);
  });

  test('ends a command that hangs, and does not know what it did', async () => {
    const before = await submitWith('condor_submit=hang', 1, hasty);
    const after = await submitWith('condor_submit=late', 1, hasty);
    expect([before.outcome.kind, after.outcome.kind]).toEqual(['unknown', 'unknown']);
    const found = valueOf(await pool.backend.findSubmissions([before.uuid, after.uuid]));
    expect(found.map(({ uuid }) => uuid)).toEqual([after.uuid]);
  });

  test('has nothing where the schedd is away, full, or has no room', async () => {
    const away = await submitWith('condor_submit=away');
    expect(away.outcome).toEqual({
      kind: 'refused',
      reason:
        'ERROR: Failed to connect to local queue manager CEDAR:6001:Failed to connect to <127.0.0.1:9618> (the schedd is not reachable: nothing was sent; run the command again when it is back)',
    });
    const full = await submitWith('condor_submit=refuse');
    expect(full.outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('MAX_JOBS_PER_OWNER') });
    expect(valueOf(await pool.backend.findSubmissions([away.uuid, full.uuid]))).toEqual([]);
  });

  test('does not know of a commit that broke off without a reason', async () => {
    expect((await submitWith('condor_submit=broken')).outcome.kind).toBe('unknown');
  });

  test('submits plain jobs where the schedd has no factories, with the same commands', async () => {
    const { uuid, outcome } = await submitWith('condor_submit=plain');
    expect(outcome.kind).toBe('accepted');
    expect(valueOf(await pool.backend.findSubmissions([uuid]))).toMatchObject([{ uuid, count: 3, nextProcess: 3 }]);
    const queue = valueOf(await pool.backend.queryQueue([uuid]));
    expect(
      queue.map(({ process, cupsid }) => [process, cupsid]).toSorted(([one = 0], [other = 0]) => one - other),
    ).toEqual([
      [0, 1000],
      [1, 1001],
      [2, 1002],
    ]);
  });

  test.each(['away', 'cut', 'garbage', 'hang', 'lost'])(
    'does not know the queue if the answer is %s',
    async (fault) => {
      const { uuid } = await submitWith('');
      const answers = await hasty.withFaults(`condor_q=${fault} condor_history=${fault}`, () =>
        Promise.all([hasty.backend.queryQueue([uuid]), hasty.backend.findSubmissions([uuid])]),
      );
      expect(answers.map(({ kind }) => kind)).toEqual(['unknown', 'unknown']);
    },
  );

  test('counts the jobs of everybody in the queue, and how busy the schedd is', async () => {
    await submitWith('', 3);
    // Other suites use the pool at the same time: there may be more.
    const counted = await waitUntil(
      async () => {
        const answer = await pool.backend.countQueue?.();
        return answer?.kind === 'answer' && answer.value.idle >= 3 ? answer.value : undefined;
      },
      { timeoutMs: 25_000, everyMs: 500 },
    );
    expect(counted).toMatchObject({
      running: expect.any(Number),
      held: expect.any(Number),
      dutyCycle: expect.any(Number),
    });
    expect(counted?.jobs).toBeGreaterThanOrEqual(3);
  });

  test.each(['away', 'cut', 'garbage', 'hang'])(
    'does not know how full the queue is if the answer is %s',
    async (fault) => {
      const answer = await hasty.withFaults(`condor_q=${fault}`, async () => hasty.backend.countQueue?.());
      expect(answer).toMatchObject({ kind: 'unknown', reason: expect.any(String) });
    },
  );

  test('does not know what became of a removal whose schedd is away', async () => {
    const { uuid } = await submitWith('');
    const answer = await pool.withFaults('condor_rm=away', () => pool.backend.remove({ uuid }, 'test'));
    expect(answer.kind).toBe('unknown');
    expect(valueOf(await pool.backend.queryQueue([uuid]))).toHaveLength(3);
  });

  test('removes the first job of a factory without those that are not made yet', async () => {
    const [submission, jobs] = await prepare(4);
    const outcome = await pool.backend.submit(
      submission,
      eachOf(jobs.map((job) => ({ ...job, commands: { max_idle: '2' } }))),
    );
    expect(outcome.kind).toBe('accepted');
    const { uuid } = submission;
    expect(valueOf(await pool.backend.remove({ uuid, cupsids: [1000, 1003] }, 'not these'))).toBe(1);
    const made = await waitUntil(
      async () => {
        const queue = valueOf(await pool.backend.queryQueue([uuid]));
        return queue.some(({ cupsid }) => cupsid === 1002) ? queue : undefined;
      },
      { timeoutMs: 20_000, everyMs: 200 },
    );
    expect(made).toBeDefined();
    expect(valueOf(await pool.backend.remove({ uuid }, 'nor those'))).toBe(3);
  });

  test('refuses before anything is sent what condor would choke on, and says all that is missing', async () => {
    const refusal = async (commands: Readonly<Record<string, string>>): Promise<string> => {
      const [submission, [job]] = await prepare(1);
      const jobs = job === undefined ? [] : [{ ...job, commands }];
      const outcome = await pool.backend.submit(submission, eachOf(jobs));
      return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
    };
    expect(await refusal({ transfer_input_files: '/no/a,/no/b,cups.py,odbc.ini' })).toBe(
      "Missing files of 'transfer_input_files': '/no/a', '/no/b'",
    );
    expect(await refusal({ '+Note': '"a\nb"' })).toMatchInlineSnapshot(
      `"The attribute '+Note' of 'DST-0' contains a line break: '"a b"': remove it in the query"`,
    );
    expect(await refusal({ rank: '((' })).toMatch(/Parse error|rank/iu);
    const [open, jobs] = await prepare(1);
    await chmod(join(open.directory, 'slurp-token'), 0o644);
    expect(await pool.backend.submit(open, eachOf(jobs))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('Other users can read the token'),
    });
    await chmod(join(open.directory, 'slurp-token'), 0o600);
    await chmod(open.directory, 0o755);
    expect(await pool.backend.submit(open, eachOf(jobs))).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(
        /^Other users can read the token .*: expected mode 600, and 700 for its directory$/u,
      ),
    });
  });

  test('hands every sort of text over as it is', async () => {
    const texts = [
      '$(foo)',
      '$ENV(PATH)',
      '$INT(x,%05d)',
      '# a',
      'a, b',
      ' a',
      'back\\slash',
      "it's",
      'größer ☃',
      '%08d;&',
      'costs 5$ now',
      '5$, 6$/$7 and $',
    ];
    const [submission, jobs] = await prepare(texts.length);
    const items = jobs.map((job, index) => ({
      ...job,
      commands: { '+Text': `"${(texts[index] ?? '').replaceAll('\\', '\\\\')}"`, description: texts[index] ?? '' },
    }));
    expect(await pool.backend.submit(submission, eachOf(items))).toMatchObject({ kind: 'accepted' });
    const ads = await readAds(`SlurpSubmission == "${submission.uuid}"`, ['ProcId', 'Text', 'Args', 'JobDescription']);
    expect(ads.map(({ Text }) => Text)).toEqual(texts);
    expect(ads.map(({ JobDescription }) => JobDescription)).toEqual(texts.map((text) => text.trim()));
    expect(ads.map(({ Args }) => Args)).toEqual(texts.map((_, index) => String(index)));
    expect(await readFile(join(submission.directory, 'condor.sub'), 'utf8')).toContain(
      'queue slurp_cupsid,slurp_a,slurp_b,',
    );
  });
});
