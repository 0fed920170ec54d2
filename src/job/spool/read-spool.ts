import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

import { isUuid } from '#util/is-uuid.ts';
import { present } from '#util/present.ts';

import type { SpoolHeader } from './spool.ts';

/** One report of a spool, as it was written; what is in it is for the reader to check. */
export interface SpoolRecord {
  /** Byte offset of the line in the spool: the event's `sequence`. */
  readonly sequence: number;
  /** Length of the line in bytes, newline included. */
  readonly sizeBytes: number;
  /** `{v, cupsid, start, at, detail}`. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** The parsed content of a spool: header, valid records, and where unreadable lines are. */
export interface SpoolContents {
  /** Absent: the attempt is not known, the records have no key. */
  readonly header?: SpoolHeader;
  /** In file order. */
  readonly records: readonly SpoolRecord[];
  /** Offsets of lines that are no JSON record: cut short, or not ours. Blank lines are not among them. */
  readonly unreadable: readonly number[];
  /** Byte offset behind the last finished line; what follows is still being written, or never will be. */
  readonly end: number;
}

/**
 * Takes a spool apart into its lines. Torn and foreign lines are left out and named; never throws.
 *
 * @param bytes the file from `from` on
 * @param from byte offset in the file
 */
export function parseSpool(bytes: Buffer, from = 0): SpoolContents {
  const records: SpoolRecord[] = [];
  const unreadable: number[] = [];
  let header: SpoolHeader | undefined;
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
    const sequence = start;
    start = end + 1;
    const text = bytes.toString('utf8', sequence, end);
    if (text.trim() === '') continue;
    const value = parseRecord(text);
    if (value === undefined) unreadable.push(from + sequence);
    else if ('source' in value) header ??= parseHeader(value);
    else records.push({ sequence: from + sequence, sizeBytes: start - sequence, value });
  }
  return { records, unreadable, end: from + start, ...present({ header }) };
}

/** The header is the first line, of some 200 bytes, unless there were no links where the spool was made. */
const headerBytes = 4096;

/**
 * Reads a spool; see {@link parseSpool}.
 *
 * @param from byte offset of a line: what stands before it is passed over, but for the header; the time that a report
 * takes must not grow with those before it
 * @throws the error of `node:fs`
 */
export function readSpool(path: string, from = 0): SpoolContents {
  if (from <= headerBytes) return parseSpool(readFileSync(path));
  const file = openSync(path, 'r');
  try {
    const { header } = parseSpool(readPart(file, 0, headerBytes));
    const { size } = fstatSync(file);
    return header === undefined
      ? parseSpool(readPart(file, 0, size))
      : { ...parseSpool(readPart(file, from, size), from), header };
  } finally {
    closeSync(file);
  }
}

function readPart(file: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.max(to - from, 0));
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(file, bytes, length, bytes.length - length, from + length);
  }
  return bytes.subarray(0, length);
}

/** The kind of a record's detail (`started`, `finished`, …), if it has one. */
export function kindOf(record: SpoolRecord): string | undefined {
  const { detail } = record.value;
  return typeof detail === 'object' && detail !== null && 'kind' in detail && typeof detail.kind === 'string'
    ? detail.kind
    : undefined;
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function parseHeader(value: Readonly<Record<string, unknown>>): SpoolHeader | undefined {
  const { v, source, cupsid, start, submission } = value;
  return v === 1 && typeof source === 'string' && Number.isInteger(cupsid) && Number.isInteger(start)
    ? {
        ...{ v, source, cupsid: Number(cupsid), start: Number(start) },
        ...(typeof submission === 'string' && isUuid(submission) ? { submission } : {}),
      }
    : undefined;
}
