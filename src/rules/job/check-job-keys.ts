import { rulePlaceOf } from '#model/rule.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { furtherJobKeys, knownJobKeys } from './job-defaults.ts';

import type { Rule } from '#model/rule.ts';

import type { Complainer } from '../complain.ts';

/**
 * Reports unknown submit commands: an error where one looks mistyped, else a warning, since it is passed on to
 * the batch system. Attributes (`+Name`, `MY.Name`) are the author's own.
 */
export function checkJobKeys(rule: Rule, complainer: Complainer): void {
  for (const key of Object.keys(rule.job)) {
    if (knownJobKeys.has(key) || furtherJobKeys.has(key) || /^(?:\+|my\.)/i.test(key)) continue;
    if (key === 'queue') {
      const message = "'queue' is ignored: the query determines the number of jobs";
      complainer.warning({ path: 'job.queue', message });
      continue;
    }
    const place = rule.places.keys.get(`job.${key}`) ?? rulePlaceOf(rule, `job.${key}`);
    const near = findNearestWord(key, [...knownJobKeys, ...furtherJobKeys]);
    const complaint = { path: `job.${key}`, place, message: `Unknown submit command '${key}'` };
    if (near === undefined) complainer.warning({ ...complaint, expected: 'an HTCondor command; it is passed on' });
    else complainer.error({ ...complaint, expected: `'${near}'` });
  }
}
