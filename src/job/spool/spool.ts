import { closeSync, constants, fstatSync, linkSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { spoolFileNameOf } from '#model/job/job-file.ts';
import { codeOf } from '#util/code-of.ts';
import { present } from '#util/present.ts';

import { readSubmission } from '../ask/read-gateway-access.ts';

import type { JobEventDetail } from '#model/job/job-event.ts';

import type { JobIdentity } from '../identity.ts';

/** The first line of a spool: who speaks in all lines that follow. */
export interface SpoolHeader {
  readonly v: 1;
  /** Random, made with the file: with the byte offset of a line it is the event's key. */
  readonly source: string;
  readonly cupsid: number;
  readonly start: number;
  /** Uuid of the attempt's submission, which no other site has; absent where the job does not know it. */
  readonly submission?: string;
}

/** Where a line stands in its spool. */
export interface SpoolLine {
  readonly path: string;
  /** Byte offset of the line: the event's `sequence`. */
  readonly sequence: number;
}

const newline = 0x0a;

/**
 * Appends one report to the job's spool, which is made if it is not there yet. Any number of processes may do so at the
 * same time without a lock: a line is one write to a file opened for appending, on the worker's own disk.
 *
 * A line that another process left unfinished (killed, no space) is ended first, so it costs itself alone.
 *
 * @param at UTC, ISO 8601 with milliseconds
 * @throws the error of `node:fs` (no space, no right to write)
 * @see docs/decisions/spool.md
 */
export function appendToSpool(identity: JobIdentity, at: string, detail: JobEventDetail): SpoolLine {
  const path = join(identity.directory, spoolFileNameOf(identity.cupsid, identity.start));
  const file = openSpool(path, identity);
  try {
    const line = `${JSON.stringify({ v: 1, cupsid: identity.cupsid, start: identity.start, at, detail })}\n`;
    const { size } = fstatSync(file);
    const isTorn = size > 0 && readByte(file, size - 1) !== newline;
    const bytes = Buffer.from(isTorn ? `\n${line}` : line);
    // A write is cut short where space ends; the next one then fails.
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
    return { path, sequence: findLine(file, bytes, size) + (isTorn ? 1 : 0) };
  } finally {
    closeSync(file);
  }
}

/** Opens the spool for appending; the first of several processes to come makes it, header and all, in one step. */
function openSpool(path: string, identity: JobIdentity): number {
  const flags = constants.O_RDWR | constants.O_APPEND;
  try {
    return openSync(path, flags);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const submission = readSubmission(identity.directory);
  const header: SpoolHeader = {
    ...{ v: 1, source: crypto.randomUUID(), cupsid: identity.cupsid, start: identity.start },
    ...present({ submission }),
  };
  const temporary = `${path}.${header.source}.new`;
  const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    writeSync(file, `${JSON.stringify(header)}\n`);
    putHeader(temporary, path, header);
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
  return openSync(path, flags);
}

/** A link fails where the name is taken, so no reader ever sees a spool without its header. */
function putHeader(temporary: string, path: string, header: SpoolHeader): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) throw error;
    // No links here: the header may come to stand behind the first lines, which readers allow.
    const file = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
    try {
      if (fstatSync(file).size === 0) writeSync(file, `${JSON.stringify(header)}\n`);
    } finally {
      closeSync(file);
    }
  }
}

/** Finds what was just written: at the old end of the file, or behind what others appended meanwhile. */
function findLine(file: number, bytes: Buffer, from: number): number {
  const { size } = fstatSync(file);
  const appended = Buffer.alloc(size - from);
  const length = readSync(file, appended, 0, appended.length, from);
  const index = appended.subarray(0, length).indexOf(bytes);
  return from + Math.max(index, 0);
}

function readByte(file: number, position: number): number | undefined {
  const byte = Buffer.alloc(1);
  return readSync(file, byte, 0, 1, position) === 1 ? byte[0] : undefined;
}
