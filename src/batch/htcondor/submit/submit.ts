import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';
import { present } from '#util/present.ts';

import { startedFiles } from '../../launcher-name.ts';
import { ItemsFailure } from '../../with-items-failure.ts';
import { optionsOfSchedd } from '../ask-condor.ts';
import { condorMessageOf, runCondor } from '../run-condor.ts';
import { makeJobFinisher } from './finish-job.ts';
import { makeProgramLinks } from './make-program-links.ts';
import { factoryCommands, renderDescription } from './render.ts';
import { writeItems } from './write-items.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { BatchJob, BatchSubmission, SubmitOutcome } from '../../backend.ts';
import type { CondorResult } from '../run-condor.ts';
import type { DescriptionInput } from './render.ts';

/** A factory keeps so many jobs idle where neither site nor rule says otherwise. */
const defaultMaxIdle = 2000;

/**
 * Hands a submission to the schedd by one `condor_submit`: as a job factory, or, where the schedd has none, as jobs.
 *
 * Leaves `condor.sub` and `condor.items` in the submission's directory until it is accepted; then the former alone.
 * @throws what `items` threw; nothing else
 */
export async function submitToCondor(
  site: HtcondorSite,
  submission: BatchSubmission,
  items: AsyncIterable<BatchJob>,
): Promise<SubmitOutcome> {
  const itemsFile = join(submission.directory, 'condor.items');
  const descriptionFile = join(submission.directory, 'condor.sub');
  try {
    const finisher = makeJobFinisher({ submission, site, ownFiles: await ownFilesOf(submission) });
    const { count, commands, variables } = await writeItems(itemsFile, items, (job) => finisher.finish(job));
    if (count !== submission.count) {
      throw new Error(`${count} items instead of ${submission.count} in the submission`);
    }
    await checkInputs(finisher.inputFiles);
    await makeProgramLinks(finisher.links);
    await makeDirectories(finisher.directories);
    const description = { uuid: submission.uuid, count, commands, variables, itemsFile };
    const attempt = async (factory: DescriptionInput['factory']): Promise<SubmitOutcome> => {
      const text = renderDescription({ ...description, ...present({ factory }) });
      await writeFile(descriptionFile, text, { mode: 0o600 });
      const args = [...optionsOfSchedd(site.schedds[0]), '-terse', descriptionFile];
      return outcomeOf(await runCondor('condor_submit', args, { timeoutMs: site.commandTimeoutMs }), count);
    };
    const first = await attempt(factoryOf(site, commands));
    const outcome = first.kind === 'refused' && hasNoFactories.test(first.reason) ? await attempt(undefined) : first;
    if (outcome.kind === 'accepted') await rm(itemsFile, { force: true });
    return outcome.kind === 'accepted' && finisher.notes.size > 0
      ? { ...outcome, notes: [...finisher.notes] }
      : outcome;
  } catch (error) {
    // Whatever it is: condor_submit was not called.
    await rm(itemsFile, { force: true }).catch(() => undefined);
    if (error instanceof ItemsFailure) throw error.cause;
    return { kind: 'refused', reason: describeError(error) };
  }
}

/**
 * Finds what travels with every job: its token and description, where there are any, and the commands that payloads call.
 *
 * @returns absolute paths
 * @throws Error if others may read the token or its directory, or the worker's directory cannot be read
 */
export async function ownFilesOf(submission: BatchSubmission): Promise<readonly string[]> {
  const files: string[] = [];
  for (const name of ['slurp-token', 'slurp-job.json']) {
    const path = join(submission.directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    if (name === 'slurp-token') await checkToken(path, found.mode);
    files.push(path);
  }
  const entries = await readdir(submission.workerDirectory, { withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory() && !startedFiles.has(entry.name))
    .map(({ name }) => name);
  return [...files, ...names.toSorted().map((name) => join(submission.workerDirectory, name))];
}

async function checkToken(path: string, mode: number): Promise<void> {
  const parent = dirname(path);
  const facts = await stat(parent);
  if ((mode & 0o077) === 0 && (facts.mode & 0o077) === 0) return;
  throw new Error(`Other users can read the token '${path}': expected mode 600, and 700 for its directory`);
}

async function checkInputs(paths: ReadonlySet<string>): Promise<void> {
  const missing: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) missing.push(path);
  }
  if (missing.length === 0) return;
  const shown = missing.slice(0, 20).map((path) => `'${path}'`);
  const rest = missing.length > shown.length ? `, and ${missing.length - shown.length} more` : '';
  throw new Error(`Missing files of 'transfer_input_files': ${shown.join(', ')}${rest}`);
}

/** A job whose output has nowhere to go is held when all its work is done. */
async function makeDirectories(directories: ReadonlySet<string>): Promise<void> {
  for (const directory of directories) {
    await createDirectory(directory).catch((cause: unknown) => {
      const why = describeError(cause, directory);
      throw new Error(`The directory '${directory}' for outputs or logs cannot be created: ${why}`, { cause });
    });
  }
}

/**
 * How many jobs of a submission its factory makes at a time: as the rule says, else the site.
 *
 * @throws Error if a rule says it with something else than a number
 */
export function factoryOf(
  site: HtcondorSite,
  commands: ReadonlyMap<string, string>,
): NonNullable<DescriptionInput['factory']> {
  const [maxMaterialize, maxIdle] = factoryCommands.map((key) => {
    const written = commands.get(key);
    if (written === undefined) return undefined;
    if (/^\d+$/u.test(written)) return Number(written);
    throw new Error(`'${key}' is '${written}': expected a whole number`);
  });
  const most = maxMaterialize ?? site.maxMaterialize;
  const idle = maxIdle ?? site.maxIdle ?? (most === undefined ? defaultMaxIdle : undefined);
  return present({ maxMaterialize: most, maxIdle: idle });
}

const hasNoFactories = /late materialization/iu;

/**
 * What condor_submit says only before it has sent anything, or when the schedd has undone all of it. In any other
 * failure the jobs may be there.
 */
const nothingSent =
  /ERROR: on Line|Failed to parse command file|Failed to connect to (?:local )?queue manager|Can't find address of (?:local )?schedd|Could not connect to schedd|would exceed|late materialization|Setting job owner to root|Can't open|failed to open|not found|No such file|No 'executable'|submit failed/iu;

function outcomeOf(result: CondorResult, count: number): SubmitOutcome {
  if (result.kind === 'missing') return { kind: 'refused', reason: result.reason };
  if (result.kind === 'killed') return { kind: 'unknown', reason: result.reason };
  const { exitCode, stdout, stderr } = result;
  const words = condorMessageOf(stderr);
  if (exitCode === 0) {
    const [, cluster, first, lastCluster, last] = /^(\d+)\.(\d+) - (\d+)\.(\d+)\s*$/u.exec(stdout.trim()) ?? [];
    if (cluster !== undefined && cluster === lastCluster && first === '0' && Number(last) === count - 1) {
      return { kind: 'accepted', cluster: Number(cluster) };
    }
    const text = stdout.trim().slice(0, 200);
    return { kind: 'unknown', reason: `The reply of 'condor_submit' cannot be understood: '${text}' ${words}`.trim() };
  }
  // A commit that failed without a reason of the schedd's may have been done.
  const isLostInCommit = /Failed to commit/iu.test(words) && !/would exceed|submit failed|not permitted/iu.test(words);
  if (!isLostInCommit && nothingSent.test(words)) return { kind: 'refused', reason: withAdvice(words) };
  return { kind: 'unknown', reason: `'condor_submit' failed (exit code ${exitCode}): ${words || 'no message'}` };
}

function withAdvice(words: string): string {
  if (/can't find address|failed to connect|could not connect/iu.test(words)) {
    return `${words} (the schedd is not reachable: nothing was sent; run the command again when it is back)`;
  }
  if (/owner to root/iu.test(words)) {
    return `${words} (HTCondor accepts no jobs from root: run the command as an ordinary user)`;
  }
  if (/MAX_JOBS_PER_SUBMISSION/u.test(words)) {
    return `${words} (set 'batch.htcondor.max_jobs_per_submission' in the site file below that limit)`;
  }
  if (/MAX_JOBS_PER_OWNER|MAX_JOBS_SUBMITTED/u.test(words)) {
    return `${words} (the queue is full: wait until jobs have ended, or use --maxjobs)`;
  }
  return words;
}
