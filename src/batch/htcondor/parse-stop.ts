import * as z from 'zod';

import type { FactoryStop } from '../backend.ts';
import type { Ad } from './parse-ads.ts';

/** Attributes of a factory's ad that {@link parseStop} reads. */
export const factoryAttributes: readonly string[] = [
  'JobMaterializePaused',
  'JobMaterializePauseReason',
  'JobFactoryPaused',
];

const stopSchema = z.object({
  JobMaterializePaused: z.number().nullish().catch(undefined),
  JobMaterializePauseReason: z.string().nullish().catch(undefined),
  /** How it is in the schedd's memory; only there a removal is seen. */
  JobFactoryPaused: z.number().nullish().catch(undefined),
});

/** Values of both numbers; others (1, -1) mean that it is paused. */
const [runs, hasNoMoreItems, isRemoved] = [0, 2, 3];

/**
 * Finds out whether a factory has stopped making jobs, and why. HTCondor pauses it in one way for a hold and for a job that
 * cannot be made; only the reason of a hold ends in its author (measured on 23.9).
 *
 * @returns undefined while it makes jobs
 */
export function parseStop(ad: Ad): FactoryStop | undefined {
  const parsed = stopSchema.safeParse(ad);
  if (!parsed.success) return undefined;
  const numbers = [parsed.data.JobFactoryPaused, parsed.data.JobMaterializePaused].map((value) => value ?? runs);
  if (numbers.every((value) => value === runs || value === hasNoMoreItems)) return undefined;
  const reason = (parsed.data.JobMaterializePauseReason ?? '').replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  if (numbers.includes(isRemoved)) return { kind: 'removed', reason: reason || 'no reason given' };
  if (reason === '' || /\(by user [^()]*\)$/u.test(reason)) {
    return { kind: 'held', reason: reason || 'no reason given' };
  }
  const process = /\bJob \d+\.(\d+)\b/u.exec(reason)?.[1];
  return { kind: 'broken', reason, ...(process === undefined ? {} : { process: Number(process) }) };
}
