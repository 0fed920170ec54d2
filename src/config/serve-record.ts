import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import * as z from 'zod';

import { canonicalPathOf } from '#util/file/canonical-path.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { askLockHolder } from '#util/process/socket-lock.ts';

const serveRecordSchema = z.object({
  pid: z.int(),
  /** See `util/process/read-process-start.ts`. */
  startTime: z.string(),
  machine: z.string(),
  /** Where jobs reach the gateway. */
  url: z.string(),
  port: z.int(),
  /** The program's file and when that was made, to notice an installation of a newer one. */
  program: z.string(),
  programTime: z.number(),
  startedAt: z.string(),
});

/** What a `slurp serve` that is ready says of itself in `gateway.json`. */
export type ServeRecord = z.output<typeof serveRecordSchema>;

function recordFileOf(stateDirectory: string): string {
  return join(stateDirectory, 'gateway.json');
}

/** Name of the lock that the one supervisor of a site holds, by whichever path the site is reached. */
export function serveLockNameOf(stateDirectory: string): string {
  return `slurp-serve-${createHash('sha256').update(canonicalPathOf(stateDirectory)).digest('hex').slice(0, 32)}`;
}

const supervisorSchema = z.object({
  pid: z.int(),
  /** What it does: starting, ready, draining or stopping. */
  phase: z.string(),
  queue: z.object({ slots: z.int(), running: z.int(), idle: z.int(), held: z.int() }).optional(),
});

/** What the supervisor of a site says of itself when it is asked, from its first moment on. */
export type SupervisorFacts = z.output<typeof supervisorSchema>;

/** Asks the supervisor of a site; undefined if there is none on this machine. Never throws. */
export async function askSupervisor(stateDirectory: string): Promise<SupervisorFacts | undefined> {
  const text = await askLockHolder(serveLockNameOf(stateDirectory));
  try {
    return text === undefined ? undefined : supervisorSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Reads the record of the last `slurp serve` that got ready; it may be dead since. Undefined if there is none. */
export async function readServeRecord(stateDirectory: string): Promise<ServeRecord | undefined> {
  try {
    return serveRecordSchema.parse(JSON.parse(await readFile(recordFileOf(stateDirectory), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Returns whether the process that wrote a record still runs, on this machine. */
export function isServing(record: ServeRecord): boolean {
  return record.machine === hostname() && readProcessStart(record.pid) === record.startTime;
}

/** Says in one step that this process is ready. */
export async function writeServeRecord(stateDirectory: string, record: ServeRecord): Promise<void> {
  const file = recordFileOf(stateDirectory);
  await writeFile(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Renews the record's time stamp, so that another machine that shares the directory sees that this one is alive. */
export async function markServeRecord(stateDirectory: string): Promise<void> {
  const now = new Date();
  await utimes(recordFileOf(stateDirectory), now, now);
}

/**
 * Tells the machine on which a site that shares this directory is served, if not on this one: its record was touched in
 * the last minute.
 */
export async function findOtherMachine(stateDirectory: string): Promise<string | undefined> {
  const record = await readServeRecord(stateDirectory);
  if (record === undefined || record.machine === hostname()) return undefined;
  const { mtimeMs } = await stat(recordFileOf(stateDirectory));
  return Date.now() - mtimeMs < 60_000 ? record.machine : undefined;
}

/** Removes the record: no `slurp serve` runs any more, or not yet. */
export async function removeServeRecord(stateDirectory: string): Promise<void> {
  await rm(recordFileOf(stateDirectory), { force: true });
}
