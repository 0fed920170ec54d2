import * as z from 'zod';

import { defaultBreaker } from '../policy/breaker.ts';
import { makeMapping, makeShortOrMapping } from './make-mapping.ts';
import { makeInteger, makeNumber } from './make-number.ts';
import { sizeMb } from './size-mb.ts';
import { timeSpan } from './time-span.ts';

import type { BreakerSettings } from '../policy/breaker.ts';
import type { RetryPolicy } from '../policy/retry-policy.ts';

const makeList = <T>(wanted: string, one: z.ZodType<T>) =>
  z
    .union([one, z.array(one).min(1)], { error: `${wanted}, or a list of them` })
    .transform((value): readonly T[] => (Array.isArray(value) ? value : [value]));

const makeExpression = (make: (text: string) => string) =>
  z.string({ error: 'a regular expression' }).transform((text, context) => {
    try {
      return new RegExp(make(text), 'u');
    } catch {
      context.addIssue({ code: 'custom', message: 'a regular expression' });
      return z.NEVER;
    }
  });

const signal = z
  .string({ error: "the name of a signal, such as 'KILL'" })
  .regex(/^(?:SIG)?[A-Z][A-Z0-9]*$/u, { error: "the name of a signal, such as 'KILL'" })
  .transform((name) => name.replace(/^SIG/u, ''));

const when = makeMapping('a mapping of what a failure is like', {
  exit_code: makeList('an exit code', makeInteger('an exit code', 0)).optional(),
  hold_code: makeList('a hold code', makeInteger('a hold code', 0)).optional(),
  signal: makeList("the name of a signal, such as 'KILL'", signal).optional(),
  flag: makeList('the number of a bit, 0 to 52', makeInteger('the number of a bit, 0 to 52', 0, 52)).optional(),
  message: makeExpression((text) => text).optional(),
  node: makeExpression((text) => `^(?:${text})$`).optional(),
});

const actions = ['retry', 'more-memory', 'more-disk', 'avoid-node', 'give-up', 'pause'] as const;

const retryCase = makeMapping('a case: {when: …, do: …}', {
  when: when.optional(),
  do: z.enum(actions, { error: `one of ${actions.join(', ')}` }),
  after: timeSpan.optional(),
  factor: makeNumber('a number above 1', (value) => value > 1).optional(),
  up_to: sizeMb.optional(),
}).transform(({ when: pattern = {}, do: action, after = 0, factor = 1.5, up_to: upToMb }) => ({
  when: {
    ...(pattern.exit_code === undefined ? {} : { exitCodes: pattern.exit_code }),
    ...(pattern.hold_code === undefined ? {} : { holdCodes: pattern.hold_code }),
    ...(pattern.signal === undefined ? {} : { signals: pattern.signal }),
    ...(pattern.flag === undefined ? {} : { flags: pattern.flag }),
    ...(pattern.message === undefined ? {} : { message: pattern.message }),
    ...(pattern.node === undefined ? {} : { node: pattern.node }),
  },
  ...{ do: action, afterMs: after, factor },
  ...(upToMb === undefined ? {} : { upToMb }),
}));

const part = makeNumber('a number above 0, up to 1', (value) => value > 0 && value <= 1);

const breakerForms = "'off', or a mapping with within, jobs, failed, times, before";

const breakerShape = makeMapping(breakerForms, {
  within: timeSpan.optional(),
  jobs: makeInteger('a whole number above 0', 1).optional(),
  failed: part.optional(),
  times: makeNumber('a number from 1', (value) => value >= 1).optional(),
  before: timeSpan.optional(),
}).transform((given): BreakerSettings | 'off' => {
  const { withinMs, jobs, failed, times, beforeMs } = defaultBreaker;
  return {
    ...{ withinMs: given.within ?? withinMs, beforeMs: given.before ?? beforeMs },
    ...{ jobs: given.jobs ?? jobs, failed: given.failed ?? failed, times: given.times ?? times },
  };
});

const breaker = makeShortOrMapping((value) => (value === false || value === 'off' ? 'off' : undefined), breakerShape);

/**
 * The section `retry` of a rule or a site file.
 *
 * @see docs/policy.md
 */
export const retryShape = makeMapping('a mapping with mode, attempts, cases, breaker', {
  mode: z.enum(['passive', 'active'], { error: "'passive' or 'active'" }).optional(),
  attempts: makeInteger('a whole number above 0', 1).optional(),
  cases: z.array(retryCase, { error: 'a list of cases: {when: …, do: …}' }).optional(),
  breaker: breaker.optional(),
}).transform(({ mode, attempts = 3, cases = [], breaker: settings = defaultBreaker }): RetryPolicy => ({
  ...{ isActive: mode === 'active', attempts, cases },
  ...(settings === 'off' ? {} : { breaker: settings }),
}));
