import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { waitUntil } from '#util/wait-until.ts';

import type { BatchAnswer, BatchBackend, BatchJob, BatchJobReport, BatchSubmission } from '#batch/backend.ts';

/** A batch system that is up, and what the contract needs to know of the place where it runs jobs. */
export interface BackendUnderTest {
  readonly backend: BatchBackend;
  /** Absolute; seen by jobs under the same path, writable by them. */
  readonly workDirectory: string;
  readonly workerDirectory: string;
  /** Makes sure that no job is started from now on, until what is returned is called. */
  stopStarting(): Promise<() => Promise<void>>;
  /** Makes the batch system unable to answer, until what is returned is called. */
  silence(): Promise<() => Promise<void>>;
  /** How long a trivial job may take from submission to history. */
  readonly patienceMs: number;
  close(): Promise<void>;
}

/** Runs the contract of `batch/backend.ts` over one batch system. */
export function describeBackend(name: string, open: () => Promise<BackendUnderTest>): void {
  describe(`the contract of batch systems, kept by '${name}'`, () => {
    let under: BackendUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.close());

    const makeSubmission = async (count: number): Promise<BatchSubmission> => {
      const uuid = randomUUID();
      const directory = join(under.workDirectory, 'submissions', uuid);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(join(directory, 'slurp-token'), 'secret\n', { mode: 0o600 });
      await writeFile(join(directory, 'slurp-job.json'), '{"submission":"x"}\n');
      return {
        ...{ uuid, count, directory, batchName: 'contract' },
        workerDirectory: under.workerDirectory,
        submitDirectory: under.workDirectory,
        isSupervised: false,
        spoolDirectory: join(under.workDirectory, 'spool'),
        environment: { CUPS_PRODUCTION_MODE: '1' },
      };
    };
    const makeScript = async (text: string): Promise<string> => {
      const path = join(under.workDirectory, `${randomUUID()}.sh`);
      await writeFile(path, `#!/bin/bash\n${text}`, { mode: 0o755 });
      return path;
    };
    const makeJobs = (cupsids: readonly number[], job: Partial<BatchJob> & { executable: string }): BatchJob[] =>
      cupsids.map((cupsid, process) => ({
        ...{ process, cupsid, dstfile: `DST_TEST-${cupsid}`, arguments: '', commands: {} },
        ...job,
      }));
    const submit = async (jobs: readonly BatchJob[]): Promise<BatchSubmission & { readonly cluster: number }> => {
      const submission = await makeSubmission(jobs.length);
      const outcome = await under.backend.submit(submission, eachOf(jobs));
      expect(outcome).toMatchObject({ kind: 'accepted' });
      return { ...submission, cluster: outcome.kind === 'accepted' ? outcome.cluster : -1 };
    };
    const untilHistory = async (uuid: string, count: number): Promise<readonly BatchJobReport[]> => {
      const reports = await waitUntil(
        async () => {
          const history = valueOf(await under.backend.queryHistory([uuid]));
          return history.length === count ? history : undefined;
        },
        { timeoutMs: under.patienceMs + 500 * count, everyMs: 50 },
      );
      expect(reports).toBeDefined();
      return (reports ?? []).toSorted((one, other) => one.process - other.process);
    };
    const untilState = async (uuid: string, state: BatchJobReport['state'], count = 1): Promise<void> => {
      const found = await waitUntil(
        async () => {
          const queue = valueOf(await under.backend.queryQueue([uuid]));
          return queue.filter((report) => report.state === state).length === count ? true : undefined;
        },
        { timeoutMs: under.patienceMs, everyMs: 50 },
      );
      expect(found).toBe(true);
    };
    const makeReportingProgram = (directory: string): Promise<string> =>
      makeScript(`echo "$cupsid $SLURP_START $*" > ${directory}/$$.$cupsid.$SLURP_START\n`);
    const readReports = async (directory: string): Promise<readonly string[]> => {
      const names = await readdir(directory);
      const texts = await Promise.all(names.map((file) => readFile(join(directory, file), 'utf8')));
      return texts.map((text) => text.trim()).toSorted();
    };
    const freshDirectory = async (): Promise<string> => {
      const directory = join(under.workDirectory, randomUUID());
      await mkdir(directory, { mode: 0o777 });
      return directory;
    };

    test('runs each job once, with the arguments and the id of its own attempt, whatever their order', async () => {
      const directory = await freshDirectory();
      const executable = await makeReportingProgram(directory);
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.integer({ min: 1, max: 2_000_000_000 }), { minLength: 1, maxLength: 12 }),
          async (cupsids) => {
            const jobs = makeJobs(cupsids, { executable }).map((job) => ({
              ...job,
              arguments: `dst-${job.cupsid} $(ClusterId).$(ProcId)`,
            }));
            const { uuid, cluster } = await submit(jobs);
            const history = await untilHistory(uuid, cupsids.length);
            expect(history.map(({ process, cupsid }) => [process, cupsid])).toEqual([...cupsids.entries()]);
            const lines = (await readReports(directory)).filter((line) => line.includes(` ${cluster}.`));
            expect(lines).toEqual(
              cupsids.map((cupsid, process) => `${cupsid} 0 dst-${cupsid} ${cluster}.${process}`).toSorted(),
            );
          },
        ),
        { numRuns: 3 },
      );
    });

    test('leaves nothing behind when the items break off, and passes the reason on', async () => {
      const executable = await makeScript('true\n');
      const submission = await makeSubmission(3);
      const broken = async function* (): AsyncGenerator<BatchJob> {
        yield* makeJobs([1, 2], { executable });
        await Promise.resolve();
        throw new RangeError('no more of them');
      };
      await expect(under.backend.submit(submission, broken())).rejects.toThrow(new RangeError('no more of them'));
      expect(await under.backend.findSubmissions([submission.uuid])).toEqual({ kind: 'answer', value: [] });
    });

    test('refuses a submission whose items are not as many as said, and leaves nothing behind', async () => {
      const executable = await makeScript('true\n');
      const submission = await makeSubmission(3);
      const outcome = await under.backend.submit(submission, eachOf(makeJobs([1, 2], { executable })));
      expect(outcome.kind).toBe('refused');
      expect(await under.backend.findSubmissions([submission.uuid])).toEqual({ kind: 'answer', value: [] });
    });

    test('finds submissions by their uuid, while they are queued and after they ended (C-H5)', async () => {
      const startAgain = await under.stopStarting();
      const executable = await makeScript('true\n');
      const one = await submit(makeJobs([11, 12, 13], { executable }));
      const other = await submit(makeJobs([14], { executable }));
      const unknown = randomUUID();
      expect(valueOf(await under.backend.findSubmissions([one.uuid, unknown]))).toMatchObject([
        { uuid: one.uuid, cluster: one.cluster, count: 3 },
      ]);
      expect(valueOf(await under.backend.queryHistory([one.uuid, unknown]))).toEqual([]);
      await startAgain();
      await untilHistory(one.uuid, 3);
      await untilHistory(other.uuid, 1);
      expect(valueOf(await under.backend.queryQueue([one.uuid, other.uuid]))).toEqual([]);
      const found = valueOf(await under.backend.findSubmissions([other.uuid, one.uuid]));
      expect(found.map(({ cluster }) => cluster).toSorted((a, b) => a - b)).toEqual(
        [one.cluster, other.cluster].toSorted((a, b) => a - b),
      );
      expect(await under.backend.findSubmissions([unknown])).toEqual({ kind: 'answer', value: [] });
    });

    test('answers that it does not know, and never that there is nothing, when it cannot answer', async () => {
      const { uuid } = await submit(makeJobs([21], { executable: await makeScript('true\n') }));
      await untilHistory(uuid, 1);
      const speakAgain = await under.silence();
      try {
        expect((await under.backend.findSubmissions([uuid])).kind).toBe('unknown');
        expect((await under.backend.queryQueue([uuid])).kind).toBe('unknown');
        expect((await under.backend.queryHistory([uuid])).kind).toBe('unknown');
        expect((await under.backend.remove({ uuid }, 'test')).kind).toBe('unknown');
      } finally {
        await speakAgain();
      }
      expect(valueOf(await under.backend.findSubmissions([uuid]))).toHaveLength(1);
    });

    test('keeps a waiting job on hold until it is released', async () => {
      const directory = await freshDirectory();
      const executable = await makeReportingProgram(directory);
      const startAgain = await under.stopStarting();
      const { uuid } = await submit(makeJobs([31, 32], { executable }));
      expect(valueOf(await under.backend.hold({ uuid, cupsids: [32] }, 'it\'s "wrong"'))).toBe(1);
      await startAgain();
      await untilHistory(uuid, 1);
      expect(valueOf(await under.backend.queryQueue([uuid]))).toMatchObject([
        { cupsid: 32, state: 'held', holdReason: expect.stringContaining('it\'s "wrong"'), starts: 0 },
      ]);
      expect(await readReports(directory)).toEqual(['31 0']);
      expect(valueOf(await under.backend.release({ uuid, cupsids: [32] }, 'right again'))).toBe(1);
      await untilHistory(uuid, 2);
      expect(await readReports(directory)).toEqual(['31 0', '32 0']);
    });

    test('ends a running job that is put on hold, and counts its next start', async () => {
      const directory = await freshDirectory();
      const executable = await makeScript(
        `echo "$cupsid $SLURP_START" > ${directory}/$SLURP_START\n[ "$SLURP_START" = 0 ] && sleep 60\nexit 0\n`,
      );
      const { uuid } = await submit(makeJobs([41], { executable }));
      await untilState(uuid, 'running');
      await waitUntil(async () => ((await readdir(directory)).length > 0 ? true : undefined), { timeoutMs: 25_000 });
      await under.backend.hold({ uuid }, 'wait');
      await untilState(uuid, 'held');
      await under.backend.release({ uuid }, 'go on');
      expect(await untilHistory(uuid, 1)).toMatchObject([{ state: 'completed', exitCode: 0, starts: 2 }]);
      expect(await readReports(directory)).toEqual(['41 0', '41 1']);
    });

    test('removes waiting and running jobs, one or all, and remembers why', async () => {
      const startAgain = await under.stopStarting();
      const executable = await makeScript('exec sleep 60\n');
      const waiting = await submit(makeJobs([51, 52], { executable }));
      expect(valueOf(await under.backend.remove({ uuid: waiting.uuid, cupsids: [52] }, 'not wanted'))).toBe(1);
      await startAgain();
      await untilState(waiting.uuid, 'running');
      expect(valueOf(await under.backend.remove({ uuid: waiting.uuid }, 'nor this'))).toBe(1);
      expect(await untilHistory(waiting.uuid, 2)).toMatchObject([
        { cupsid: 51, state: 'removed', removeReason: expect.stringContaining('nor this') },
        { cupsid: 52, state: 'removed', removeReason: expect.stringContaining('not wanted') },
      ]);
      expect(valueOf(await under.backend.remove({ uuid: waiting.uuid }, 'again'))).toBe(0);
    });

    test('reports how a job ended: exit code, time, signal', async () => {
      const executable = await makeScript('case $1 in signal) kill -9 $$;; *) sleep 0.2; exit $1;; esac\n');
      const jobs = makeJobs([61, 62, 63], { executable });
      const { uuid } = await submit(
        ['0', '7', 'signal'].map((word, process) => ({ ...at(jobs, process), arguments: word })),
      );
      const history = await untilHistory(uuid, 3);
      expect(history).toMatchObject([
        { state: 'completed', exitCode: 0, starts: 1 },
        { state: 'completed', exitCode: 7, starts: 1 },
        { state: 'completed', starts: 1 },
      ]);
      expect(history[2]?.signal === 'SIGKILL' || history[2]?.exitCode === 137).toBe(true);
      // Condor counts from the activation of the shadow, in whole seconds at times.
      expect(history[1]?.wallSeconds).toBeGreaterThanOrEqual(0);
    });

    test('hands arguments and environment over as they are (C-H9)', async () => {
      const directory = await freshDirectory();
      const executable = await makeScript(
        `printf '%s|' "$@" > ${directory}/arguments\nprintf '%s|' "$PLAIN" "$SPACED" "$CUPS_PRODUCTION_MODE" > ${directory}/environment\n`,
      );
      const words = [
        "it's",
        '"quoted"',
        '$HOME',
        'end$',
        '$$',
        'a$,b',
        '$,',
        '*',
        'back\\slash',
        'a;b&c',
        'größer',
        'a,b',
        '--x=y',
        '%08d',
        '{x}',
      ];
      const environment = `"PLAIN=x SPACED='a ''b'' ""c""'"`;
      const { uuid } = await submit(
        makeJobs([71], { executable, arguments: words.join(' '), commands: { environment } }),
      );
      await untilHistory(uuid, 1);
      expect(await readFile(join(directory, 'arguments'), 'utf8')).toBe(words.map((word) => `${word}|`).join(''));
      expect(await readFile(join(directory, 'environment'), 'utf8')).toBe(`x|a 'b' "c"|1|`);
    });

    test('gives a job a directory of its own with token, description and launchers, and copies its output back', async () => {
      const directory = await freshDirectory();
      await writeFile(join(directory, 'constants.txt'), '42\n');
      const executable = await makeScript(
        `cat constants.txt slurp-token; ls slurp-job.json; cups hello; ./cups hello; echo bad >&2; echo made > made.txt\n`,
      );
      const { uuid } = await submit(
        makeJobs([81], {
          executable,
          commands: {
            transfer_input_files: `${directory}/constants.txt`,
            transfer_output_files: 'made.txt',
            output: 'job.out',
            error: 'job.err',
            log: join(directory, 'job.log'),
            output_destination: `file://${directory}/`,
          },
        }),
      );
      await untilHistory(uuid, 1);
      expect(await readFile(join(directory, 'job.out'), 'utf8')).toBe(
        '42\nsecret\nslurp-job.json\ncups hello\ncups hello\n',
      );
      expect(await readFile(join(directory, 'job.err'), 'utf8')).toBe('bad\n');
      expect(await readFile(join(directory, 'made.txt'), 'utf8')).toBe('made\n');
      expect(await readFile(join(directory, 'job.log'), 'utf8')).toMatch(/^001 .*\n[^]*^005 .*\n/mu);
    });

    test('holds a job that did not make a file it promised, and one whose program cannot be started', async () => {
      const promised = {
        transfer_output_files: 'never-made.root',
        output_destination: `file://${under.workDirectory}/`,
      };
      const breaker = await submit(makeJobs([91], { executable: await makeScript('true\n'), commands: promised }));
      await untilState(breaker.uuid, 'held');
      expect(valueOf(await under.backend.queryQueue([breaker.uuid]))).toMatchObject([
        { holdCode: 12, holdSubcode: 2, holdReason: expect.stringContaining('never-made.root') },
      ]);
      const [absent] = makeJobs([92], { executable: join(under.workDirectory, 'no-such-script.sh') });
      const missing = await makeSubmission(1);
      const outcome = await under.backend.submit(missing, eachOf(absent === undefined ? [] : [absent]));
      await under.backend.remove({ uuid: breaker.uuid }, 'seen');
      // A batch system may see that there is no such program at once, or when it is to be started.
      if (outcome.kind === 'refused') {
        expect(outcome.reason).toContain('no-such-script.sh');
        return;
      }
      await untilState(missing.uuid, 'held');
      expect(valueOf(await under.backend.queryQueue([missing.uuid]))).toMatchObject([
        { holdCode: 6, holdReason: expect.stringContaining('no-such-script.sh') },
      ]);
      await under.backend.remove({ uuid: missing.uuid }, 'seen');
      await untilHistory(missing.uuid, 1);
    });
  });
}

/** The items as a backend takes them. */
export async function* eachOf<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** The value of an answer; fails on "unknown". */
export function valueOf<T>(answer: BatchAnswer<T>): T {
  if (answer.kind === 'answer') return answer.value;
  throw new Error(`The batch system does not know: ${answer.reason}`);
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`No item ${index}`);
  return item;
}
