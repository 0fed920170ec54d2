import * as z from 'zod';

import { isUuid } from '#util/is-uuid.ts';

import { parseAds } from './parse-ads.ts';

import type { BatchAnswer, UnreadReport } from '../backend.ts';
import type { Ad } from './parse-ads.ts';

/**
 * Makes reports of what condor printed. An ad that `parse` cannot read is `unread`, under the submission and the attempt
 * that it names, if it does.
 *
 * @param command whose answer it is
 * @throws SyntaxError if the answer is not a whole list
 */
export function readAds<T>(
  stdout: string,
  command: string,
  parse: (ad: Ad) => T,
): Extract<BatchAnswer<readonly T[]>, { kind: 'answer' }> {
  const { ads, unread: texts } = parseAds(stdout);
  const value: T[] = [];
  const unread: UnreadReport[] = texts.map((text) => ({
    ...nameOfText(text),
    reason: `An ad in the answer of '${command}' is not JSON`,
  }));
  for (const ad of ads) {
    try {
      value.push(parse(ad));
    } catch (error) {
      unread.push({
        ...nameOfAd(ad),
        reason: `An ad in the answer of '${command}' has missing or invalid fields: ${faultsOf(error)}`,
      });
    }
  }
  return { kind: 'answer', value, ...(unread.length === 0 ? {} : { unread }) };
}

type Name = Pick<UnreadReport, 'uuid' | 'cupsid'>;

function nameOfAd(ad: Ad): Name {
  return nameOf(ad['SlurpSubmission'], ad['SlurpCupsid']);
}

function nameOfText(text: string): Name {
  const uuid = /"SlurpSubmission":\s*"([^"]*)"/u.exec(text)?.[1];
  const cupsid = /"SlurpCupsid":\s*(\d+)/u.exec(text)?.[1];
  return nameOf(uuid, cupsid === undefined ? undefined : Number(cupsid));
}

function nameOf(uuid: unknown, cupsid: unknown): Name {
  if (typeof uuid !== 'string' || !isUuid(uuid)) return {};
  return typeof cupsid === 'number' && Number.isSafeInteger(cupsid) ? { uuid, cupsid } : { uuid };
}

function faultsOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return 'something';
  return [...new Set(error.issues.map(({ path }) => `'${path.map(String).join('.')}'`))].join(', ');
}
