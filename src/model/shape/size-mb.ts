import * as z from 'zod';

// As HTCondor counts.
const unitsMb = { MB: 1, GB: 1024 } as const;

/** A size with its unit, e.g. `500MB`, `16GB`; in MB. */
export const sizeMb = z
  .string({ error: "a size in MB or GB, such as '16GB'" })
  .regex(/^\d{1,7}(?:\.\d{1,3})?[MG]B$/u, { error: "a size in MB or GB, such as '16GB'" })
  .transform((text) => Math.round(Number.parseFloat(text) * unitsMb[z.enum(['MB', 'GB']).parse(text.slice(-2))]));
