import * as z from 'zod';

import type { RetryPolicy } from './retry-policy.ts';

/** A number as YAML has it, or its text: rule files keep all values as texts. */
const makeNumber = (wanted: string, isValid: (value: number) => boolean) =>
  z
    .union([z.number(), z.string().regex(/^-?\d+(?:\.\d+)?$/u)], { error: wanted })
    .transform(Number)
    .refine(isValid, { error: wanted });
const makeInteger = (wanted: string, least: number) =>
  makeNumber(wanted, (value) => Number.isSafeInteger(value) && value >= least);

const listOf = <T>(one: z.ZodType<T>) =>
  z.union([one, z.array(one).min(1)]).transform((value): readonly T[] => (Array.isArray(value) ? value : [value]));

const unitsMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const span = z
  .string({ error: "a time span with its unit, such as '10m' or '2h'" })
  .regex(/^\d{1,6}[smhd]$/u, { error: "a time span with its unit, such as '10m' or '2h'" })
  .transform((text) => Number.parseInt(text, 10) * unitsMs[z.enum(['s', 'm', 'h', 'd']).parse(text.slice(-1))]);

const unitsMb = { MB: 1, GB: 1000 } as const;
const size = z
  .string({ error: "a size in MB or GB, such as '16GB'" })
  .regex(/^\d{1,7}(?:\.\d{1,3})?[MG]B$/u, { error: "a size in MB or GB, such as '16GB'" })
  .transform((text) => Math.round(Number.parseFloat(text) * unitsMb[z.enum(['MB', 'GB']).parse(text.slice(-2))]));

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
  .regex(/^(?:SIG)?[A-Z0-9]+$/u, { error: "the name of a signal, such as 'KILL'" })
  .transform((name) => name.replace(/^SIG/u, ''));

const when = z.strictObject({
  exit_code: listOf(makeInteger('an exit code', 0)).optional(),
  hold_code: listOf(makeInteger('a hold code', 0)).optional(),
  signal: listOf(signal).optional(),
  flag: listOf(makeInteger('the number of a bit, 0 to 52', 0)).optional(),
  message: makeExpression((text) => text).optional(),
  node: makeExpression((text) => `^(?:${text})$`).optional(),
});

const actions = ['retry', 'more-memory', 'more-disk', 'avoid-node', 'give-up', 'pause'] as const;

const retryCase = z
  .strictObject({
    when: when.optional(),
    do: z.enum(actions, { error: `one of ${actions.join(', ')}` }),
    after: span.optional(),
    factor: makeNumber('a number above 1', (value) => value > 1).optional(),
    up_to: size.optional(),
  })
  .transform(({ when: pattern = {}, do: action, after = 0, factor = 1.5, up_to: upToMb }) => ({
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

/**
 * The section `retry` of a rule or a site file.
 *
 * @see docs/policy.md
 */
export const retrySchema = z
  .strictObject(
    {
      mode: z.enum(['passive', 'active'], { error: "'passive' or 'active'" }).optional(),
      attempts: makeInteger('a whole number above 0', 1).optional(),
      cases: z.array(retryCase, { error: 'a list of cases: what, and what then' }),
    },
    { error: 'a mapping with cases' },
  )
  .transform(({ mode, attempts = 3, cases }): RetryPolicy => ({ isActive: mode === 'active', attempts, cases }));
