import * as z from 'zod';

const times = z.object({
  /** Products that were registered. */
  products: z.number(),
  /** Registrations a second that were aimed at. */
  rate: z.number(),
  /** From the registration of an input to its job in the queue. */
  medianMs: z.number(),
  p95Ms: z.number(),
  maxMs: z.number(),
  /** The same 95 % of the last quarter: higher where work piles up. */
  lastQuarterP95Ms: z.number(),
  /** The 95 % from the report to the gateway, which is before the registration, to the job in the queue. */
  fromReportP95Ms: z.number(),
  /** Submissions, and the jobs that the schedd has of them. */
  submissions: z.number(),
  jobsInQueue: z.number(),
  /** CPU for each submission, with what was started and has ended: it says more than the clock on a busy machine. */
  cpuMs: z.object({ loop: z.number(), database: z.number(), gateway: z.number() }),
});

/** What `bench/chain-measure.ts` measured, once for each rate. */
export const chainSchema = z.object({ olderProducts: z.number(), firstCycleMs: z.number(), phases: z.array(times) });

/** Times of one rate of registrations. */
export type ChainPhase = z.output<typeof times>;
