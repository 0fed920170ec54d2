import { open } from 'node:fs/promises';

import { parseSpool } from '#job/spool/read-spool.ts';
import { SiteError } from '#model/errors.ts';
import { parseEvent, renderComplaints } from '#model/job/parse-event.ts';

import type { SpoolContents } from '#job/spool/read-spool.ts';
import type { EventOutcome } from '#model/job/event-reply.ts';
import type { JobEvent } from '#model/job/job-event.ts';

import { ingestEvents } from './ingest-events.ts';

import type { IngestDoors } from './ingest-events.ts';

/** A line of a spool that is not in the database, and never will be. */
export interface RefusedLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** What became of a spool. */
export interface SpoolReport {
  readonly counts: Readonly<Record<EventOutcome, number>>;
  /** In the order of the file. */
  readonly refused: readonly RefusedLine[];
  /** Bytes behind the last finished line: a report that was being written when the file was taken. */
  readonly tornBytes: number;
}

/** For whom the file may speak. */
export interface SpoolOptions {
  /** The attempt in the file's name; lines of others are refused. Absent: all attempts. */
  readonly attempt?: number;
}

/** A job that tells a message a second for a week writes less. */
const maxSizeBytes = 256 * 1024 * 1024;

/**
 * Ingests the contents of a spool; the second time changes nothing. What makes no sense is left out and named, the rest
 * goes in.
 *
 * @throws DatabaseError, GatewayError: take the same file again later
 */
export async function ingestSpool(doors: IngestDoors, bytes: Buffer, options: SpoolOptions = {}): Promise<SpoolReport> {
  const contents = parseSpool(bytes);
  const lineAt = makeLineCounter(bytes);
  const refused: RefusedLine[] = contents.unreadable.map((offset) => ({
    line: lineAt(offset),
    reason: 'is no JSON record',
  }));
  const events: JobEvent[] = [];
  for (const record of contents.records) {
    const parsed = readRecord(contents, record.value, record.sequence, options);
    if (typeof parsed === 'string') refused.push({ line: lineAt(record.sequence), reason: parsed });
    else events.push(parsed);
  }
  const { submission } = contents.header ?? {};
  const allowed = submission === undefined ? {} : { allowedSubmission: submission };
  const { results } = await ingestEvents(doors, events, allowed);
  const counts = { new: 0, duplicate: 0, 'unknown-attempt': 0, forbidden: 0, invalid: refused.length };
  for (const { outcome, attempt, sequence, reason } of results) {
    counts[outcome] += 1;
    if (outcome === 'new' || outcome === 'duplicate') continue;
    const why =
      outcome === 'forbidden'
        ? `attempt ${attempt} is not of the submission that the spool names: it is another site's`
        : `${outcome} ${attempt}`;
    refused.push({ line: lineAt(sequence), reason: reason ?? why });
  }
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
  doors: IngestDoors,
  path: string,
  options: SpoolOptions = {},
): Promise<SpoolReport> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > maxSizeBytes) {
      throw new SiteError(`The spool '${path}' has ${size} bytes: expected ${maxSizeBytes} at most`, {
        code: 'spool-too-large',
        advice: "Look what wrote there; cut it at a line's end to take what is before",
      });
    }
    return await ingestSpool(doors, await file.readFile(), options);
  } finally {
    await file.close();
  }
}

function readRecord(
  { header }: SpoolContents,
  value: Readonly<Record<string, unknown>>,
  sequence: number,
  { attempt }: SpoolOptions,
): JobEvent | string {
  if (header === undefined) return 'the spool has no header, so nobody knows who speaks';
  const parsed = parseEvent({ ...value, source: header.source, sequence });
  if (parsed.kind === 'invalid') return renderComplaints(parsed.complaints);
  if (attempt !== undefined && parsed.event.attempt !== attempt) {
    return `speaks for attempt ${parsed.event.attempt}: expected ${attempt}, as in the file's name`;
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
