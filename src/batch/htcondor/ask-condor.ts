import { headOf } from '#util/text/head-of.ts';

import { readAds } from './read-ads.ts';
import { condorMessageOf, runCondor } from './run-condor.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { BatchAnswer, UnreadReport } from '../backend.ts';
import type { Ad } from './parse-ads.ts';

/** The part of a site that asking needs. */
export type AskedSite = Pick<HtcondorSite, 'schedds' | 'commandTimeoutMs'>;

/** One question to `condor_q` or `condor_history`. */
export interface CondorQuestion<T> {
  readonly command: 'condor_q' | 'condor_history';
  readonly options: readonly string[];
  readonly constraint: string;
  readonly attributes: readonly string[];
  /** May throw; then this ad cannot be read. */
  readonly parse: (ad: Ad) => T;
}

/** The arguments that name a schedd: nothing for the local one. */
export function optionsOfSchedd(schedd: string | undefined): readonly string[] {
  return schedd === undefined ? [] : ['-name', schedd];
}

/** The schedds of a site; undefined is the local one. */
export function scheddsOf(site: AskedSite): readonly (string | undefined)[] {
  return site.schedds.length === 0 ? [undefined] : site.schedds;
}

/**
 * Asks all schedds of a site; one that does not answer, or not with a whole list, makes the whole answer unknown: what it
 * has could be what was asked for. A single ad that cannot be read is `unread`. Never throws.
 */
export async function askCondor<T>(site: AskedSite, question: CondorQuestion<T>): Promise<BatchAnswer<readonly T[]>> {
  const { command, options, constraint, attributes, parse } = question;
  const answers = await Promise.all(
    scheddsOf(site).map(async (schedd): Promise<BatchAnswer<readonly T[]>> => {
      const args = [...optionsOfSchedd(schedd), ...options, '-json', '-attributes', attributes.join(',')];
      const asked = [...args, '-constraint', constraint];
      return readCondorAnswer(site, { command, args: asked, schedd }, (stdout) => readAds(stdout, command, parse));
    }),
  );
  return joinAnswers(answers);
}

/** One call of a command that only asks. */
interface CondorCall {
  readonly command: 'condor_q' | 'condor_history' | 'condor_status';
  readonly args: readonly string[];
  /** Whose answer it is, for the reason why there is none. */
  readonly schedd: string | undefined;
}

/** Runs a command that only asks, and reads its answer; where `read` throws, it is unknown. Never throws. */
export async function readCondorAnswer<T>(
  site: AskedSite,
  { command, args, schedd }: CondorCall,
  read: (stdout: string) => BatchAnswer<T>,
): Promise<BatchAnswer<T>> {
  const result = await runCondor(command, args, { timeoutMs: site.commandTimeoutMs });
  if (result.kind !== 'ended') return { kind: 'unknown', reason: result.reason };
  if (result.exitCode !== 0) {
    const words = condorMessageOf(result.stderr) || `exit code ${result.exitCode}`;
    return { kind: 'unknown', reason: `'${command}' got no answer${suffixOf(schedd)}: ${words}` };
  }
  try {
    return read(result.stdout);
  } catch (error) {
    const why = error instanceof Error ? headOf(error.message, '\n') : String(error);
    return { kind: 'unknown', reason: `The answer of '${command}'${suffixOf(schedd)} cannot be understood: ${why}` };
  }
}

function suffixOf(schedd: string | undefined): string {
  return schedd === undefined ? '' : ` of schedd '${schedd}'`;
}

/** All answers as one; unknown if one of them is. */
export function joinAnswers<T>(answers: readonly BatchAnswer<readonly T[]>[]): BatchAnswer<readonly T[]> {
  const values: (readonly T[])[] = [];
  const unread: UnreadReport[] = [];
  for (const answer of answers) {
    if (answer.kind === 'unknown') return answer;
    values.push(answer.value);
    unread.push(...(answer.unread ?? []));
  }
  return { kind: 'answer', value: values.flat(), ...(unread.length === 0 ? {} : { unread }) };
}
