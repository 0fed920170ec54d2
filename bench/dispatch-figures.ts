import * as z from 'zod';

const ms = z.number();

const processSchema = z.object({ wallMs: ms, cpuMs: ms, peakMb: z.number() });

/** The steps of a dispatch in order, as `kaedama --json` names them. */
export const steps = ['recover', 'decide', 'payload', 'prepare', 'reserve', 'render', 'submit', 'confirm'] as const;

/** What `kaedama --json` reports about a dispatch, as far as it is measured here. */
export const dispatchedSchema = z.object({
  submitted: z.int(),
  submissions: z.array(z.object({ uuid: z.uuid(), cluster: z.int(), count: z.int() })),
  phases: z.record(z.enum(steps), ms),
});

const roundSchema = z.object({
  jobs: z.int(),
  submissions: z.int(),
  phases: z.record(z.enum(steps), ms),
  /** The whole process, with every `condor_submit` that it ran. */
  kaedama: processSchema,
  /** CPU of the database's processes meanwhile. */
  databaseCpuMs: ms,
  /** `condor_submit` alone, with the same description and items. */
  bareSubmit: processSchema,
  itemBytes: z.int(),
  /** As many rows, by one `INSERT … SELECT` into a table with the same indexes. */
  bareInsertMs: ms,
  /** One `UPDATE` of these. */
  bareUpdateMs: ms,
});

/** One dispatch, and what it is compared with. */
export type Round = z.infer<typeof roundSchema>;

/** All that was measured, in the order in which it was. */
export const roundsSchema = z.array(roundSchema);
