import * as z from 'zod';

import { makeLocalBackend } from '#batch/local/make-local-backend.ts';
import { BatchError, SiteError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';

import { readJournalCounts } from './playground.ts';

import type { Playground } from './playground.ts';

/** What must not be: each 0, or exactly-once is not true. */
export interface Damage {
  readonly 'products executed twice': number;
  readonly 'lost products': number;
  readonly 'jobs without attempt': number;
  readonly 'attempts without job': number;
  readonly 'rows stuck': number;
}

const attemptSchema = z.object({
  id: z.number(),
  dstfile: z.string(),
  status: z.string(),
  is_live: z.boolean(),
  submission_state: z.string(),
  submission: z.string(),
});

/** One attempt, as `slurp db sql` shows it. */
export type TortureAttempt = z.infer<typeof attemptSchema>;

const asked = `select p.id, p.dstfile, p.status::text, p.retired_at is null as is_live, s.state as submission_state,
  s.uuid::text as submission from production_status p join submission s on s.uuid = p.submission_id order by p.id`;

/** Reads all attempts. */
export async function readTortured(playground: Playground): Promise<readonly TortureAttempt[]> {
  const { exitCode, stdout, stderr } = await playground.call('slurp', ['db', 'sql', 'status', '--json', asked]);
  if (exitCode !== 0) throw new SiteError(`The attempts cannot be read: ${stderr.trim()}`, { code: 'site-torture' });
  return z.array(attemptSchema).parse(JSON.parse(stdout));
}

interface TortureJob {
  readonly cupsid: number;
  readonly isInQueue: boolean;
}

/** Counts what is wrong, from what the jobs wrote, the database says, and the batch system has in queue and history. */
export async function countDamage(playground: Playground, products: number): Promise<Damage> {
  const attempts = await readTortured(playground);
  const jobs = await readJobs(playground, [...new Set(attempts.map(({ submission }) => submission))]);
  const ended = await readJournalCounts(playground, 'end');
  const live = attempts.filter(({ is_live: isLive }) => isLive);
  const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  const withJob = new Set(jobs.map(({ cupsid }) => cupsid));
  const isFinal = ({ status }: TortureAttempt): boolean => status === 'finished' || status === 'failed';
  const finished = new Set(live.filter(({ status }) => status === 'finished').map(({ dstfile }) => dstfile));
  return {
    'products executed twice': [...ended.values()].filter((count) => count > 1).length,
    'lost products': products - [...ended.keys()].filter((product) => finished.has(product)).length,
    // A job of a retired attempt must not be in the queue.
    'jobs without attempt': jobs.filter(({ cupsid, isInQueue }) => {
      const attempt = byId.get(cupsid);
      return attempt === undefined || attempt.submission_state !== 'confirmed' || (isInQueue && !attempt.is_live);
    }).length,
    'attempts without job': live.filter(({ id }) => !withJob.has(id)).length,
    'rows stuck': attempts.filter((attempt) => !isFinal(attempt) || attempt.submission_state === 'reserved').length,
  };
}

async function readJobs(playground: Playground, uuids: readonly string[]): Promise<readonly TortureJob[]> {
  if (playground.batch === 'htcondor') {
    return [...(await askCondor(playground, 'condor_q')), ...(await askCondor(playground, 'condor_history'))];
  }
  const backend = makeLocalBackend(`${playground.directory}/.slurp-site`);
  const [queue, history] = [await backend.queryQueue(uuids), await backend.queryHistory(uuids)];
  if (queue.kind === 'unknown' || history.kind === 'unknown') {
    throw new BatchError('The local jobs cannot be read', { code: 'batch-no-answer' });
  }
  return [
    ...queue.value.map(({ cupsid }) => ({ cupsid, isInQueue: true })),
    ...history.value.map(({ cupsid }) => ({ cupsid, isInQueue: false })),
  ];
}

const adsSchema = z.array(z.object({ SlurpCupsid: z.number(), JobStatus: z.number() }));

/** Past SLURP's own questions: by the mark of this torture, so a job of which SLURP knows nothing is found too. */
async function askCondor({ mark }: Playground, command: 'condor_q' | 'condor_history'): Promise<readonly TortureJob[]> {
  const all = command === 'condor_q' ? ['-allusers'] : [];
  const constraint = ['-constraint', `SlurpTorture == "${mark}"`];
  const args = [...all, '-json', '-attributes', 'SlurpCupsid,JobStatus', ...constraint];
  const { exitCode, stdout, stderr } = await runCommand(command, args);
  if (exitCode !== 0) throw new BatchError(`'${command}' failed: ${stderr.trim()}`, { code: 'batch-no-answer' });
  const ads = stdout.trim() === '' ? [] : adsSchema.parse(JSON.parse(stdout));
  // 3 removed, 4 completed: on their way to the history.
  return ads.map((ad) => ({
    cupsid: ad.SlurpCupsid,
    isInQueue: command === 'condor_q' && ![3, 4].includes(ad.JobStatus),
  }));
}
