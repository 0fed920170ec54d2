import { open } from 'node:fs/promises';

import { resolveRefused } from '#db/status/refused/resolve-refused.ts';
import { kindOf, parseSpool } from '#job/spool/read-spool.ts';
import { SiteError } from '#model/errors.ts';
import { findImpostor } from '#model/job/find-impostor.ts';
import { parseEvent, renderComplaints } from '#model/job/parse-event.ts';

import { makeEventRecorder } from './event-recorder.ts';
import { ingestEvents } from './ingest-events.ts';
import { recordRefusals } from './record-refusals.ts';

import type { SpoolContents } from '#job/spool/read-spool.ts';
import type { EventOutcome, EventResult } from '#model/job/event-reply.ts';
import type { JobEvent } from '#model/job/job-event.ts';

import type { IngestResources } from './ingest-events.ts';
import type { Refusal } from './record-refusals.ts';

/** A line of a spool that is not in the database, and never will be. */
export interface RefusedLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** How many reports of a spool were new, known or refused, and which lines were rejected. */
export interface SpoolReport {
  readonly counts: Readonly<Record<EventOutcome, number>>;
  /** In the order of the file. */
  readonly refused: readonly RefusedLine[];
  /** Bytes behind the last finished line: a report that was being written when the file was taken. */
  readonly tornBytes: number;
}

/** The limits of what a spool may report: one attempt, where the file's name says so. */
export interface SpoolOptions {
  /** The attempt in the file's name; lines of others are refused. Absent: all attempts. */
  readonly cupsid?: number;
}

/** A job that reports a message a second for a week writes less. */
const maxSizeBytes = 256 * 1024 * 1024;

/**
 * Ingests the contents of a spool; the second time changes nothing. What cannot be taken is left out and named, here and
 * in the row of its attempt; the rest goes in.
 *
 * @throws DatabaseError, GatewayError: take the same file again later
 */
export async function ingestSpool(
  resources: IngestResources,
  bytes: Buffer,
  options: SpoolOptions = {},
): Promise<SpoolReport> {
  const contents = parseSpool(bytes);
  const lineAt = makeLineCounter(bytes);
  const refusals: Refusal[] = [];
  const cupsid = options.cupsid ?? contents.header?.cupsid ?? 0;
  const source = contents.header?.source ?? '';
  const refuse = (sequence: number, report: string, reason: string): RefusedLine => {
    refusals.push({ cupsid, source, sequence, report, reason });
    return { line: lineAt(sequence), reason };
  };
  const refused = contents.unreadable.map((offset) => refuse(offset, 'unreadable line', 'is not a JSON record'));
  const events: JobEvent[] = [];
  for (const record of contents.records) {
    const parsed = readRecord(contents, record.value, record.sequence, options);
    if (typeof parsed === 'string') refused.push(refuse(record.sequence, kindOf(record) ?? 'unknown', parsed));
    else events.push(parsed);
  }
  const { submission } = contents.header ?? {};
  const allowed = submission === undefined ? {} : { allowedSubmission: submission };
  const recorder = resources.recorder ?? makeEventRecorder(resources);
  const { results } = await ingestEvents({ ...resources, recorder }, events, allowed);
  const counts = { new: 0, duplicate: 0, 'unknown-attempt': 0, forbidden: 0, invalid: refused.length };
  for (const [index, result] of results.entries()) {
    const { outcome, sequence } = result;
    counts[outcome] += 1;
    if (outcome === 'new' || outcome === 'duplicate') continue;
    refused.push(refuse(sequence, events[index]?.detail.kind ?? 'unknown', result.reason ?? reasonOf(result)));
  }
  if (contents.header !== undefined) await recordRefusals({ ...resources, recorder }, refusals, allowed);
  const taken = results.filter(({ outcome }) => outcome === 'new' || outcome === 'duplicate');
  await resolveRefused(resources.status, { keys: taken }, 'the report was taken later, from a spool');
  return {
    counts,
    refused: refused.toSorted((one, other) => one.line - other.line),
    tornBytes: bytes.length - contents.end,
  };
}

/**
 * Reads a spool file and ingests it.
 *
 * @throws the error of `node:fs`; SiteError `spool-too-large`; DatabaseError, GatewayError
 */
export async function ingestSpoolFile(
  resources: IngestResources,
  path: string,
  options: SpoolOptions = {},
): Promise<SpoolReport> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > maxSizeBytes) {
      throw new SiteError(`The spool '${path}' has ${size} bytes: expected ${maxSizeBytes} at most`, {
        code: 'spool-too-large',
        advice: 'Find out what wrote there; truncate it after a complete line to keep the lines before',
      });
    }
    return await ingestSpool(resources, await file.readFile(), options);
  } finally {
    await file.close();
  }
}

function reasonOf({ outcome, cupsid }: EventResult): string {
  return outcome === 'forbidden'
    ? `cupsid ${cupsid} does not belong to the submission in the spool: it is from another site`
    : `${outcome} ${cupsid}`;
}

function readRecord(
  { header }: SpoolContents,
  value: Readonly<Record<string, unknown>>,
  sequence: number,
  { cupsid }: SpoolOptions,
): JobEvent | string {
  if (header === undefined) return 'the spool has no header, so its source is unknown';
  const parsed = parseEvent({ ...value, source: header.source, sequence });
  if (parsed.kind === 'invalid') return renderComplaints(parsed.complaints);
  const impostor = findImpostor(parsed.event);
  if (impostor !== undefined) return impostor;
  if (cupsid !== undefined && parsed.event.cupsid !== cupsid) {
    return `speaks for cupsid ${parsed.event.cupsid}: expected ${cupsid}, as in the file's name`;
  }
  return parsed.event;
}

/** Offsets must not fall from call to call by much: the count goes on from the last one. */
function makeLineCounter(bytes: Buffer): (offset: number) => number {
  let [at, line] = [0, 1];
  return (offset) => {
    if (offset < at) [at, line] = [0, 1];
    for (let next = bytes.indexOf(0x0a, at); next !== -1 && next < offset; next = bytes.indexOf(0x0a, at)) {
      at = next + 1;
      line += 1;
    }
    return line;
  };
}
