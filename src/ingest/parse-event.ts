import { z } from 'zod';

import { datasetWords } from '#model/job/job-event.ts';

import type { JobEvent } from '#model/job/job-event.ts';

/** One thing that is wrong with an event: where, and what was expected. */
export interface EventComplaint {
  /** E.g. `detail.nevents`; empty for the event as a whole. */
  readonly path: string;
  readonly message: string;
}

/** An event that can be recorded, or everything that is wrong with it. */
export type ParsedEvent =
  | { readonly kind: 'event'; readonly event: JobEvent }
  | { readonly kind: 'invalid'; readonly complaints: readonly EventComplaint[] };

const maxInt = 2_147_483_647;
const maxCount = 1_000_000_000_000;

// PostgreSQL holds neither NUL nor half a surrogate pair; a message with such a character is still worth keeping.
const unstorable = /\0|\p{Cs}/gu;
const words = z.string().transform((text) => text.replace(unstorable, '\uFFFD'));

/** A name: short, on one line. */
const name = (most: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'holds a control character');

const count = z.int().min(-maxCount).max(maxCount);
const exitCode = z.int().min(-maxInt).max(maxInt);
const amount = z.number().min(0);

const stagedFile = z.object({
  lfn: name(255).regex(/^[^/]+$/u, 'expected a name without directory'),
  path: name(2000).regex(/^\//u, 'expected an absolute path'),
  host: name(64),
  sizeBytes: z.int().min(0),
  md5: z.string().regex(/^[0-9a-f]{32}$/u, 'expected 32 hexadecimal digits in lower case'),
  run: z.int().min(0).max(maxInt),
  segment: z.int().min(0).max(maxInt),
  dataset: name(255),
  dsttype: name(255),
  events: count,
});

const detail = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), node: words }),
  z.object({ kind: z.literal('running'), nsegments: z.int().min(0).max(1_000_000).exactOptional() }),
  z.object({
    kind: z.literal('finished'),
    exitCode: exitCode.exactOptional(),
    nevents: count.exactOptional(),
    isIncrement: z.boolean().exactOptional(),
    nsegments: z.int().min(0).max(1_000_000).exactOptional(),
  }),
  z.object({ kind: z.literal('exitcode'), exitCode }),
  z.object({ kind: z.literal('nevents'), nevents: count, isIncrement: z.boolean().exactOptional() }),
  z.object({ kind: z.literal('inputs'), files: z.array(words) }),
  z.object({
    kind: z.literal('message'),
    text: words,
    flag: z.int().min(0).exactOptional(),
    logsize: z.int().min(0).exactOptional(),
  }),
  z.object({
    kind: z.literal('stageout'),
    file: stagedFile,
    nevents: count.exactOptional(),
    isIncrement: z.boolean().exactOptional(),
  }),
  z.object({
    kind: z.literal('dataset'),
    word: z.enum(datasetWords),
    dstname: name(255),
    run: z.int().min(0).max(maxInt),
    lastRun: z.int().min(0).max(maxInt).exactOptional(),
    parent: name(2000).exactOptional(),
    blame: name(255),
  }),
  z.object({
    kind: z.literal('held'),
    reason: words,
    code: exitCode.exactOptional(),
    subcode: exitCode.exactOptional(),
  }),
  z.object({ kind: z.literal('released') }),
  z.object({ kind: z.literal('evicted'), reason: words.exactOptional() }),
  z.object({ kind: z.literal('removed'), reason: words }),
  z.object({ kind: z.literal('vanished'), reason: words }),
  z.object({
    kind: z.literal('exited'),
    exitCode: exitCode.exactOptional(),
    signal: words.exactOptional(),
    node: words.exactOptional(),
    cpuSeconds: amount.exactOptional(),
    wallSeconds: amount.exactOptional(),
    memoryMb: amount.exactOptional(),
    diskMb: amount.exactOptional(),
  }),
]);

const instant = z.iso
  .datetime({ offset: true, abort: true, error: 'expected a time such as 2025-04-10T12:00:00.000Z' })
  .refine((text) => !Number.isNaN(Date.parse(text)), 'is no time')
  .transform((text) => new Date(text).toISOString());

const event = z.object({
  attempt: z.int().min(1).max(maxInt),
  source: name(200),
  sequence: z.int().min(0),
  start: z.int().min(-1).max(1_000_000),
  at: instant,
  detail,
});

/**
 * Reads one event of a request body or a spool line; keys it does not know are dropped, characters that the database
 * cannot hold are replaced. Never throws: an invalid event comes back with all its complaints.
 *
 * @see docs/events.md
 */
export function parseEvent(value: unknown): ParsedEvent {
  const parsed = event.safeParse(value);
  if (parsed.success) return { kind: 'event', event: parsed.data };
  return {
    kind: 'invalid',
    complaints: parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
  };
}
