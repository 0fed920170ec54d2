import * as z from 'zod';

import { timeSpan } from './time-span.ts';

const deadline = timeSpan.refine((milliseconds) => milliseconds > 0, { error: 'a time span above 0' }).optional();

/** `deadlines` of a rule or a site: how long attempts may stay in a state, in ms. */
export const deadlinesShape = z.strictObject(
  {
    ...{ submitting: deadline, submitted: deadline, started: deadline, running: deadline },
    ...{ held: deadline, evicted: deadline },
  },
  { error: 'a mapping of states to time spans, e.g. {running: 2d, held: 12h}' },
);
