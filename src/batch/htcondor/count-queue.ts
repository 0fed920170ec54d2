import * as z from 'zod';

import { present } from '#util/present.ts';

import { optionsOfSchedd, readCondorAnswer, scheddsOf } from './ask-condor.ts';
import { runCondor } from './run-condor.ts';

import type { QueueGauge } from '#model/report/loop-status.ts';

import type { BatchAnswer } from '../backend.ts';
import type { AskedSite } from './ask-condor.ts';

const count = z.int().nonnegative();

const totalsSchema = z.object({
  AllusersJobs: count,
  AllusersIdle: count,
  AllusersRunning: count,
  AllusersHeld: count,
});

const scheddSchema = z.object({ RecentDaemonCoreDutyCycle: z.number() });

/**
 * Counts all jobs in the schedds of a site, also those of others, and finds how busy the busiest schedd is. Schedds keep
 * these totals, so this is cheap. Jobs that a factory has not made yet are not included. Never throws.
 */
export async function countQueue(site: AskedSite): Promise<BatchAnswer<QueueGauge>> {
  const sums = { jobs: 0, idle: 0, running: 0, held: 0 };
  for (const schedd of scheddsOf(site)) {
    const args = [...optionsOfSchedd(schedd), '-allusers', '-totals', '-json'];
    const answer = await readCondorAnswer(site, { command: 'condor_q', args, schedd }, readTotals);
    if (answer.kind === 'unknown') return answer;
    sums.jobs += answer.value.AllusersJobs;
    sums.idle += answer.value.AllusersIdle;
    sums.running += answer.value.AllusersRunning;
    sums.held += answer.value.AllusersHeld;
  }
  return { kind: 'answer', value: { ...sums, ...present({ dutyCycle: await findDutyCycle(site) }) } };
}

function readTotals(stdout: string): BatchAnswer<z.infer<typeof totalsSchema>> {
  const [totals] = z.array(totalsSchema).safeParse(JSON.parse(stdout)).data ?? [];
  if (totals === undefined) throw new Error('expected the totals of one schedd');
  return { kind: 'answer', value: totals };
}

/** Absent where no schedd reports it: a collector that does not answer is no reason to wait. */
async function findDutyCycle(site: AskedSite): Promise<number | undefined> {
  const constraint = await makeScheddConstraint(site);
  if (constraint === undefined) return undefined;
  const args = ['-schedd', '-json', '-attributes', 'Name,RecentDaemonCoreDutyCycle', '-constraint', constraint];
  const answer = await readCondorAnswer(site, { command: 'condor_status', args, schedd: undefined }, (stdout) => ({
    ...{ kind: 'answer', value: z.array(scheddSchema).safeParse(JSON.parse(stdout)).data ?? [] },
  }));
  if (answer.kind === 'unknown' || answer.value.length === 0) return undefined;
  return Math.max(...answer.value.map((schedd) => schedd.RecentDaemonCoreDutyCycle));
}

async function makeScheddConstraint(site: AskedSite): Promise<string | undefined> {
  if (site.schedds.length > 0) return site.schedds.map((name) => `Name == ${JSON.stringify(name)}`).join(' || ');
  const found = await runCondor('condor_config_val', ['FULL_HOSTNAME'], { timeoutMs: site.commandTimeoutMs });
  if (found.kind !== 'ended' || found.exitCode !== 0) return undefined;
  return `Machine == ${JSON.stringify(found.stdout.trim())}`;
}
