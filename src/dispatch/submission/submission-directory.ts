import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import * as z from 'zod';

import { readSiteKey, tokenOf } from '#config/read-site-key.ts';
import { findOpenSubmissions } from '#db/status/submission/find-open-submissions.ts';
import { SiteError } from '#model/errors.ts';
import { jobFileName, tokenFileName } from '#model/job/job-file.ts';
import { assertPresent } from '#util/assert-present.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { present } from '#util/present.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';

import type { Queryable } from '#db/connect.ts';
import type { JobFile } from '#model/job/job-file.ts';
import type { Site } from '#model/site.ts';

const submitterFileName = 'submitter.json';

const submitterSchema = z.object({ host: z.string(), pid: z.number().int(), start: z.string() });

function submissionsOf({ stateDirectory }: Pick<Site, 'stateDirectory'>): string {
  return join(stateDirectory, 'submissions');
}

/** The directory of one submission, below the site's state directory. */
export function submissionDirectoryOf(site: Pick<Site, 'stateDirectory'>, uuid: string): string {
  return join(submissionsOf(site), uuid);
}

/**
 * Refuses a directory of tokens that has been opened to others: they may have taken what is in it.
 *
 * @throws SiteError (`site-token-directory`)
 */
async function checkTokenDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found === undefined || (found.mode & 0o077) === 0) return;
  throw new SiteError(
    `The directory of the jobs' tokens, '${directory}', is accessible to other users: expected mode 0700`,
    {
      code: 'site-token-directory',
      advice: `Run: chmod 700 '${directory}'; nothing was submitted`,
    },
  );
}

/**
 * Makes the directory of a submission (0700) with what its jobs are given: their token (0600) and the description of the
 * site; and who is at work on it.
 *
 * @returns its absolute path
 * @throws SiteError about the site's key, or the directory above; an error of the operating system
 */
export async function createSubmissionDirectory(site: Site, uuid: string, gatewayUrl: string): Promise<string> {
  await checkTokenDirectory(submissionsOf(site));
  const directory = submissionDirectoryOf(site, uuid);
  const key = await readSiteKey(site);
  const { reportTimeoutMs, inputsTimeoutMs, setupScript, container } = site.worker;
  const jobFile: JobFile = {
    submission: uuid,
    gateway: gatewayUrl,
    spoolDirectory: site.spoolDirectory,
    reportTimeoutMs,
    inputsTimeoutMs,
    mode: site.mode,
    ...present({ setupScript, container }),
  };
  const submitter = {
    host: hostname(),
    pid: process.pid,
    start: assertPresent(readProcessStart(process.pid), 'the start time of this process'),
  };
  await createDirectory(directory, 0o700);
  await writeFile(join(directory, submitterFileName), JSON.stringify(submitter));
  await writeFile(join(directory, jobFileName), `${JSON.stringify(jobFile)}\n`);
  await writeFile(join(directory, tokenFileName), `${tokenOf(key, uuid)}\n`, { mode: 0o600, flag: 'wx' });
  return directory;
}

/** Takes the directory of a submission away that no job will ever ask for. */
export async function removeSubmissionDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/**
 * Reports what is known of the process that made a submission: `other-host` and `unknown` (the directory is gone) are no
 * statement about its life.
 */
export async function findSubmitter(
  directory: string,
): Promise<'alive' | 'gone' | 'ourselves' | 'other-host' | 'unknown'> {
  const text = await readFile(join(directory, submitterFileName), 'utf8').catch(() => undefined);
  if (text === undefined) return 'unknown';
  const parsed = submitterSchema.safeParse(parseJson(text));
  if (!parsed.success) return 'unknown';
  const { host, pid, start } = parsed.data;
  if (host !== hostname()) return 'other-host';
  if (readProcessStart(pid) !== start) return 'gone';
  return pid === process.pid ? 'ourselves' : 'alive';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A directory is kept this long after it was made, whatever its jobs do: late reports still find their description. */
const keptMs = 24 * 3600 * 1000;

/**
 * Takes the directories of submissions away whose jobs have all ended; with a directory gone, a job that still waits would be
 * put on hold.
 *
 * @returns how many
 * @throws DatabaseError; an error of the operating system
 */
export async function removeEndedDirectories(site: Site, status: Queryable): Promise<number> {
  const parent = submissionsOf(site);
  const names = await readdir(parent).catch(() => []);
  const old: string[] = [];
  for (const name of names) {
    const facts = await stat(join(parent, name)).catch(() => undefined);
    if (/^[0-9a-f-]{36}$/u.test(name) && facts !== undefined && Date.now() - facts.mtimeMs > keptMs) old.push(name);
  }
  if (old.length === 0) return 0;
  const open = await findOpenSubmissions(status, old);
  const closed = old.filter((uuid) => !open.has(uuid));
  for (const uuid of closed) await removeSubmissionDirectory(join(parent, uuid));
  return closed.length;
}
