import { randomUUID } from 'node:crypto';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { refusedDirectoryName } from '#job/spool/refused-spools.ts';
import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { startRepeating } from '#util/start-repeating.ts';

import { ingestSpoolFile } from './ingest-spool.ts';

import type { Site } from '#model/site.ts';
import type { Repetition } from '#util/start-repeating.ts';

import type { IngestResources } from './ingest-events.ts';
import type { SpoolReport } from './ingest-spool.ts';

/** What one look into the spool directory did. */
export interface SpoolScan {
  /** Files of which every line is in the database; they are gone. */
  readonly taken: number;
  /** Files with lines that cannot be taken: now in the directory `refused`. */
  readonly refused: number;
  /** Files that are not finished yet, or could not be read now. */
  readonly left: number;
}

/** Only such names are spools; other files are left alone, and no name leads elsewhere. */
const spoolName = /^spool-(\d{1,10})-\d{1,9}\.jsonl(?<claim>\.taken-[0-9a-f-]{36})?$/u;

/** A file whose last line is torn may still be on its way here; after this time it is not written any more. */
const patienceMs = 10 * 60_000;

/**
 * Takes the spools that came home: all lines in the database, then the file is removed; with lines that cannot be taken
 * it is kept in the directory `refused` beside them. Killed in between, the next scan takes the file again, which changes
 * nothing.
 *
 * @param now of the clock that the file system uses
 * @param left what earlier scans left, and why, by name; kept up to date
 * @throws DatabaseError, GatewayError: what is left is taken by the next scan
 */
export async function ingestSpools(
  resources: IngestResources,
  directory: string,
  now: Date = new Date(),
  left = new Map<string, string>(),
): Promise<SpoolScan> {
  const scan = { taken: 0, refused: 0, left: 0 };
  const names: readonly string[] = await readdir(directory).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const cupsid = spoolName.exec(name)?.[1];
    if (cupsid !== undefined) scan[await ingestOne(resources, directory, name, Number(cupsid), now, left)] += 1;
  }
  for (const name of left.keys()) if (!names.includes(name)) left.delete(name);
  return scan;
}

async function ingestOne(
  resources: IngestResources,
  directory: string,
  name: string,
  cupsid: number,
  now: Date,
  left: Map<string, string>,
): Promise<keyof SpoolScan> {
  const path = join(directory, name);
  const before = await readFingerprint(path);
  // A link leads out of the directory, and is not what the wrapper brings.
  if (before === undefined) return 'left';
  const isYoung = now.getTime() - before.modifiedMs < patienceMs;
  // Nothing was added: to take it again, every few seconds for minutes, would bring nothing new.
  if (isYoung && left.get(name) === `torn ${before.text}`) return 'left';
  let report: SpoolReport;
  try {
    report = await ingestSpoolFile(resources, path, { cupsid });
  } catch (error) {
    // Another gateway over the same directory had it first.
    if (codeOf(error) === 'ENOENT') return 'left';
    if (codeOf(error) === 'EACCES') {
      if (left.get(name) !== 'closed') resources.log.warn({ file: path }, 'a spool cannot be read: permission denied');
      left.set(name, 'closed');
      return 'left';
    }
    if (codeOf(error) !== 'spool-too-large') throw error;
    return moveAside(resources, directory, name, describeError(error));
  }
  if (report.tornBytes > 0 && isYoung) {
    left.set(name, `torn ${before.text}`);
    return 'left';
  }
  const claimed = await claim(directory, name);
  if (claimed === undefined) return 'left';
  // A longer spool of the same job came while we read: now under a name that is not written to.
  if ((await readFingerprint(join(directory, claimed)))?.text !== before.text) {
    return ingestOne(resources, directory, claimed, cupsid, now, left);
  }
  if (report.refused.length > 0 || report.tornBytes > 0) {
    const [first] = report.refused;
    return moveAside(
      resources,
      directory,
      claimed,
      first === undefined ? 'torn' : `line ${first.line}: ${first.reason}`,
    );
  }
  await rm(join(directory, claimed), { force: true });
  return 'taken';
}

/** Gives the file a name of our own; undefined where another process was faster. */
async function claim(directory: string, name: string): Promise<string | undefined> {
  if (spoolName.exec(name)?.groups?.['claim'] !== undefined) return name;
  const claimed = `${name}.taken-${randomUUID()}`;
  try {
    await rename(join(directory, name), join(directory, claimed));
    return claimed;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readFingerprint(path: string): Promise<{ text: string; modifiedMs: number } | undefined> {
  try {
    const facts = await lstat(path);
    if (!facts.isFile()) return undefined;
    return { text: `${facts.ino} ${facts.size} ${facts.mtimeMs}`, modifiedMs: facts.mtimeMs };
  } catch {
    return undefined;
  }
}

async function moveAside(
  resources: IngestResources,
  directory: string,
  name: string,
  reason: string,
): Promise<'refused'> {
  const refused = join(directory, refusedDirectoryName);
  await createDirectory(refused, 0o700);
  // A job may bring the same name home again: what was set aside before stays.
  const plain = name.replace(/\.taken-.*$/u, '');
  await rename(join(directory, name), join(refused, `${plain}.${Date.now()}`));
  resources.log.warn({ file: name, refused, reason }, 'a spool has lines that were rejected');
  return 'refused';
}

/** Looks for spools at once, then every few seconds; failures are logged once and tried again, ever more slowly. */
export function startSpoolWatch(options: {
  readonly site: Pick<Site, 'spoolDirectory'>;
  readonly resources: IngestResources;
  /** Time between two looks; 5 s by default. */
  readonly everyMs?: number;
}): Repetition {
  const everyMs = options.everyMs ?? 5000;
  const left = new Map<string, string>();
  let failures = 0;
  return startRepeating(async () => {
    try {
      await ingestSpools(options.resources, options.site.spoolDirectory, new Date(), left);
      failures = 0;
    } catch (error) {
      if (failures === 0) options.resources.log.warn({ error }, 'spools cannot be read now');
      failures += 1;
    }
    return Math.min(everyMs * 2 ** failures, 60_000);
  });
}
