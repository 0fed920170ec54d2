import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { readReady } from '#db/decide/read-ready.ts';
import { SiteError } from '#model/errors.ts';
import { isStartedInPlace } from '#model/job/is-started-in-place.ts';
import { findScript, findStaged } from '#rules/check/check-files.ts';
import { expandJob } from '#rules/expand-job.ts';

import type { Session } from '#db/connect.ts';
import type { CandidateRow } from '#model/candidate.ts';
import type { ExpandedJob } from '#rules/expand-job.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { DirectoryMaker } from './make-items.ts';

/**
 * Tries with the first ready row what every job needs, before anything is reserved: its directories, its program.
 *
 * @returns what the operator should know, a sentence each
 * @throws SiteError (`site-directory`, `site-script-…`, `site-staged-missing`, `site-worker-missing`); then nothing was written
 */
export async function prepareSubmission(
  session: Session,
  prepared: PreparedRule,
  workerDirectory: string,
  directories: DirectoryMaker,
): Promise<readonly string[]> {
  const row = await findFirstReady(session);
  if (row === undefined) return [];
  const job = expandJob(prepared, row, { cupsid: 0 });
  for (const directory of job.directories) await directories.make(directory);
  directories.check();
  return checkFilesOf(job, prepared, workerDirectory);
}

/**
 * Looks for the files that the jobs need, with the first ready row; writes nothing.
 *
 * @returns what the operator should know, a sentence each
 * @throws SiteError (`site-script-…`, `site-staged-missing`, `site-worker-missing`)
 */
export async function checkJobFiles(
  session: Session,
  prepared: PreparedRule,
  workerDirectory: string,
): Promise<readonly string[]> {
  const row = await findFirstReady(session);
  return row === undefined ? [] : checkFilesOf(expandJob(prepared, row, { cupsid: 0 }), prepared, workerDirectory);
}

async function findFirstReady(session: Session): Promise<CandidateRow | undefined> {
  for await (const [row] of readReady(session, 1)) return row;
  return undefined;
}

async function checkFilesOf(
  { executable, commands }: ExpandedJob,
  prepared: PreparedRule,
  workerDirectory: string,
): Promise<readonly string[]> {
  if (executable.kind === 'own') {
    if (isStartedInPlace(commands['transfer_executable'])) return checkInPlace(executable.path);
    await checkProgram(executable.path, prepared);
    return [];
  }
  await checkScript(prepared, workerDirectory);
  await checkStaged(prepared);
  return /(?:^|[,/\s])odbc\.ini(?:$|[,\s])/u.test(prepared.rsync) ? [odbcNote] : [];
}

const odbcNote = "'odbc.ini' in 'params.rsync' is left out: jobs have no access to databases";

/** Before anything is submitted: on the worker it would cost a job each. */
async function checkStaged({ rsync, options, rule }: PreparedRule): Promise<void> {
  const { missing } = await findStaged(rsync, options.submitDirectory);
  if (missing.length === 0) return;
  throw new SiteError(`No files to stage match ${missing.map((entry) => `'${entry}'`).join(', ')}`, {
    code: 'site-staged-missing',
    facts: { rule: rule.name },
    advice: "Fix 'params.rsync' of the rule; relative paths start in the current directory",
  });
}

async function checkProgram(path: string, prepared: PreparedRule): Promise<void> {
  if (await isFile(path)) return;
  throw new SiteError(`The program '${path}' is missing`, {
    code: 'site-script-missing',
    facts: { rule: prepared.rule.name },
    advice: "Fix 'job.executable' of the rule; a relative path starts in the current directory",
  });
}

/** A program that is started in its place on the worker need not be on this machine, nor be the same here. */
async function checkInPlace(path: string): Promise<readonly string[]> {
  if (!(await isFile(path))) return [`The program '${path}' is not on this machine: workers must have it`];
  const isExecutable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isExecutable ? [] : [`The program '${path}' is not executable on this machine: on workers it must be`];
}

/** The wrapper looks for the script among what it stages. */
async function checkScript(prepared: PreparedRule, workerDirectory: string): Promise<void> {
  if (!(await isFile(join(workerDirectory, 'wrapper.sh')))) {
    throw new SiteError(`'wrapper.sh' does not exist in '${workerDirectory}'`, {
      code: 'site-worker-missing',
      advice: "Build SLURP first: 'npm run build'",
    });
  }
  const { script, payload } = prepared;
  if ((await findScript(prepared)) !== undefined) return;
  throw new SiteError(`Script '${script}' is neither in the payload '${payload.path}' nor among the staged files`, {
    code: 'site-script-missing',
    facts: { rule: prepared.rule.name },
    advice: "Fix 'params.script', 'params.payload' or 'params.rsync' of the rule",
  });
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}
