import * as z from 'zod';

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const expected = { error: "a time span with its unit, such as '2s' or '10m'" };

/** A time span with its unit, e.g. `500ms`, `2s`, `10m`, `1h`, `3d`; in ms. */
export const timeSpan = z
  .string(expected)
  .regex(/^\d{1,9}(?:ms|s|m|h|d)$/u, expected)
  .transform((text) => {
    const unit = z.enum(['ms', 's', 'm', 'h', 'd']).parse(text.replace(/^\d+/u, ''));
    return Number.parseInt(text, 10) * unitsMs[unit];
  });
