import * as z from 'zod';

/** A number as YAML has it, or its text: rule files keep all values as texts. */
export const makeNumber = (wanted: string, isValid: (value: number) => boolean) =>
  z
    .union([z.number(), z.string().regex(/^-?\d+(?:\.\d+)?$/u, { error: wanted })], { error: wanted })
    .transform(Number)
    .refine(isValid, { error: wanted });

/** A whole number in a range; see {@link makeNumber}. */
export const makeInteger = (wanted: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  makeNumber(wanted, (value) => Number.isInteger(value) && value >= least && value <= most);
