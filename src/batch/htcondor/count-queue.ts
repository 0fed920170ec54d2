import * as z from 'zod';

import { present } from '#util/present.ts';
import { headOf } from '#util/text/head-of.ts';

import { optionsOfSchedd, scheddsOf } from './ask-condor.ts';
import { condorMessageOf, runCondor } from './run-condor.ts';

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
 * Counts the jobs of everybody in the schedds of a site, and finds how busy the busiest schedd is. A schedd keeps its
 * totals, so this costs it nothing. Jobs that a factory has yet to make are not in them. Never throws.
 */
export async function countQueue(site: AskedSite): Promise<BatchAnswer<QueueGauge>> {
  const sums = { jobs: 0, idle: 0, running: 0, held: 0 };
  for (const schedd of scheddsOf(site)) {
    const answer = await askJson(site, 'condor_q', [...optionsOfSchedd(schedd), '-allusers', '-totals', '-json']);
    if (answer.kind === 'unknown') return answer;
    const [totals] = z.array(totalsSchema).safeParse(answer.value).data ?? [];
    if (totals === undefined) return { kind: 'unknown', reason: "The totals of 'condor_q' cannot be understood" };
    sums.jobs += totals.AllusersJobs;
    sums.idle += totals.AllusersIdle;
    sums.running += totals.AllusersRunning;
    sums.held += totals.AllusersHeld;
  }
  return { kind: 'answer', value: { ...sums, ...present({ dutyCycle: await findDutyCycle(site) }) } };
}

/** Absent where no schedd says it: a collector that is away is no reason to wait. */
async function findDutyCycle(site: AskedSite): Promise<number | undefined> {
  const constraint = await makeScheddConstraint(site);
  if (constraint === undefined) return undefined;
  const attributes = ['-json', '-attributes', 'Name,RecentDaemonCoreDutyCycle'];
  const answer = await askJson(site, 'condor_status', ['-schedd', ...attributes, '-constraint', constraint]);
  if (answer.kind === 'unknown') return undefined;
  const schedds = z.array(scheddSchema).safeParse(answer.value).data ?? [];
  return schedds.length === 0 ? undefined : Math.max(...schedds.map((one) => one.RecentDaemonCoreDutyCycle));
}

async function makeScheddConstraint(site: AskedSite): Promise<string | undefined> {
  if (site.schedds.length > 0) return site.schedds.map((name) => `Name == ${JSON.stringify(name)}`).join(' || ');
  const found = await runCondor('condor_config_val', ['FULL_HOSTNAME'], { timeoutMs: site.commandTimeoutMs });
  if (found.kind !== 'ended' || found.exitCode !== 0) return undefined;
  return `Machine == ${JSON.stringify(found.stdout.trim())}`;
}

async function askJson(
  site: AskedSite,
  command: 'condor_q' | 'condor_status',
  args: readonly string[],
): Promise<BatchAnswer<unknown>> {
  const result = await runCondor(command, args, { timeoutMs: site.commandTimeoutMs });
  if (result.kind !== 'ended') return { kind: 'unknown', reason: result.reason };
  if (result.exitCode !== 0) {
    const words = condorMessageOf(result.stderr) || `exit code ${result.exitCode}`;
    return { kind: 'unknown', reason: `'${command}' got no answer: ${words}` };
  }
  try {
    return { kind: 'answer', value: JSON.parse(result.stdout) };
  } catch (error) {
    const why = error instanceof Error ? headOf(error.message, '\n') : String(error);
    return { kind: 'unknown', reason: `The answer of '${command}' cannot be understood: ${why}` };
  }
}
