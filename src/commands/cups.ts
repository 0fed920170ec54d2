import { rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { writeLine, writeOutput } from '#cli/output.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { findInputs } from '#job/find-inputs.ts';
import type { JobIdentity } from '#job/identity.ts';
import type { StagedOut } from '#job/stage-out/stage-out.ts';
import { readStopping, softenEnd } from '#job/soften-end.ts';
import { askVerdict, tell, type Told } from '#job/spool/tell.ts';
import { endWrappedJob, renderAssignments } from '#job/wrap.ts';
import { errorFlags } from '#model/job/error-flags.ts';
import { TransferError } from '#model/errors.ts';
import type { JobEventDetail } from '#model/job/job-event.ts';
import { spoolFileName } from '#model/job/job-file.ts';
import { explainError } from '#util/explain-error.ts';
import { parseCups, renderHelp, type CupsAction, type CupsCommon } from './cups-options.ts';
import {
  fence,
  fencedExitCode,
  madeForReading,
  obey,
  openPost,
  sayDelivery,
  sayUnwanted,
  type Post,
} from './job-post.ts';

const say = makeSay('cups');

/** How long a copy may go on after the job was told to stop. */
const stageOutGraceMs = 10_000;

async function runCups(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'wrap-start') return startWrapped();
  if (argv[0] === 'wrap-end') return endWrapped(argv);
  const call = parseCups(argv);
  switch (call.kind) {
    case 'help':
      await writeOutput(renderHelp(call.command));
      return 0;
    case 'info':
      return printInfo(call.options);
    case 'inputs':
    case 'ranges':
      return printInputs(call.kind);
    case 'stageout':
      return runStageOut(call, call);
    case 'started':
      return report(call, (identity) => ({ kind: 'started', node: identity.node }));
    case 'report':
      return report(call, () => call.detail);
  }
}

async function report(call: CupsCommon, detailFor: (identity: JobIdentity) => JobEventDetail): Promise<number> {
  const post = openPost();
  const { identity } = post;
  const detail = softenEnd(detailFor(identity), readStopping(identity.directory));
  if (!call.isUpdate) return 0;
  if (identity.attempt === 0) return fence(say, identity, madeForReading);
  const told = await tellFrom(post, call, detail, detail.kind === 'started');
  if (post.problem !== undefined) throw post.problem;
  return obey(say, identity, told.delivery);
}

/** Reports that nobody waits for are tried once: what is not answered goes with the next one. */
async function tellFrom(post: Post, call: CupsCommon, detail: JobEventDetail, isPersistent: boolean): Promise<Told> {
  const timeoutMs = post.access?.job.reportTimeoutMs ?? 0;
  const told = await tell(post.identity, post.access, call.at, detail, { timeoutMs, isPersistent });
  sayDelivery(say, told.delivery, call.isVerbose);
  return told;
}

async function printInfo(options: readonly (readonly [string, string])[]): Promise<number> {
  const { identity, access, problem } = openPost();
  await writeLine(`Working with cupsid=${identity.attempt}`);
  const facts = [
    ['start', String(identity.start)],
    ['node', identity.node],
    ['directory', identity.directory],
    ['spool', spoolFileName(identity.attempt, identity.start)],
    ['gateway', access?.job.gateway ?? 'unknown'],
    ['submission', access?.job.submission ?? 'unknown'],
    ...options,
  ];
  for (const [name, value] of facts) await writeLine(`${name ?? ''}: ${value ?? ''}`);
  if (problem !== undefined) throw problem;
  return 0;
}

async function printInputs(which: 'inputs' | 'ranges'): Promise<number> {
  const { identity, access, problem } = openPost();
  if (access === undefined) throw problem ?? new Error('A job has a gateway or a problem');
  const found = await findInputs(access, identity, stopSignal(0), say);
  await writeOutput(found[which].map((line) => `${line}\n`).join(''));
  return 0;
}

async function runStageOut(call: CupsCommon, action: Extract<CupsAction, { kind: 'stageout' }>): Promise<number> {
  const post = openPost();
  const { identity, access } = post;
  const lfn = basename(action.file);
  const options = { timeoutMs: access?.job.inputsTimeoutMs ?? 0, isPersistent: true };
  let copy: StagedOut;
  try {
    const stopping = readStopping(identity.directory);
    if (stopping !== undefined) {
      // A program that was killed leaves a file that looks like a product.
      throw new TransferError(`'${lfn}' is not staged out: the job was told to stop (${stopping})`, {
        code: 'transfer-stopped',
      });
    }
    // All other calls are quicker without it.
    const { stageOut } = await import('#job/stage-out/stage-out.ts');
    copy = await stageOut({
      file: action.file,
      directory: action.directory,
      retries: action.retries,
      jobDirectory: identity.directory,
      owner: `${identity.attempt}-${identity.start}`,
      signal: stopSignal(stageOutGraceMs),
      isWanted: async () => (access === undefined ? undefined : (await askVerdict(identity, access, options))?.isGo),
      note: call.isVerbose ? say : () => undefined,
    });
  } catch (error) {
    await tellFailure(post, call, lfn, error);
    throw error;
  }
  if (!call.isUpdate) return 0;
  const told = await tellFrom(post, call, stageOutDetail(call, action, lfn, copy), true);
  return settle(post, told, resolve(action.file), copy);
}

/** Removes the local file once the catalog has the copy. */
function settle(post: Post, { delivery, line }: Told, file: string, copy: StagedOut): number {
  const answer = line === undefined ? [...delivery.registered.values()][0] : delivery.registered.get(line.sequence);
  if (answer?.isRegistered === true) {
    if (copy.how !== 'same') rmSync(file, { force: true });
  } else {
    const why =
      answer === undefined ? 'the gateway did not answer yet' : (answer.reason ?? 'the catalog did not take it');
    say(`'${copy.path}' is in its place but not registered yet (${why}): the local file is kept`);
  }
  if (post.problem !== undefined) throw post.problem;
  return obey(say, post.identity, delivery);
}

function stageOutDetail(
  call: CupsCommon,
  action: Extract<CupsAction, { kind: 'stageout' }>,
  lfn: string,
  { path, sizeBytes, md5 }: StagedOut,
): JobEventDetail {
  const { run, segment } = call;
  const { host, dataset, dsttype, nevents } = action;
  // A negative number means that nobody counted: the catalog keeps -1, and it adds nothing to the job's events.
  const events = nevents === undefined ? 0 : Math.max(nevents, -1);
  return {
    kind: 'stageout',
    file: { lfn, path, host, sizeBytes, md5, run, segment, dataset, dsttype, events },
    ...(nevents === undefined || nevents < 0 ? {} : { nevents, ...(action.isIncrement ? { isIncrement: true } : {}) }),
  };
}

async function tellFailure(post: Post, call: CupsCommon, lfn: string, error: unknown): Promise<void> {
  const flag = errorFlags[lfn.startsWith('HIST_') ? 'hist-stageout-failed' : 'dst-stageout-failed'];
  if (!call.isUpdate) return;
  const text = `Stage-out of '${lfn}' failed: ${explainError(error)}`;
  await tellFrom(post, call, { kind: 'message', text, flag }, true);
}

/** For the wrapper: tells that the job started, obeys the fence, prints what the site wants as shell assignments. */
async function startWrapped(): Promise<number> {
  const post = openPost();
  const { identity, access } = post;
  if (identity.attempt === 0) {
    sayUnwanted(say, madeForReading);
    return fencedExitCode;
  }
  if (access === undefined) throw post.problem ?? new Error('A job has a gateway or a problem');
  const detail: JobEventDetail = { kind: 'started', node: identity.node };
  const options = { timeoutMs: access.job.reportTimeoutMs, isPersistent: true };
  const { delivery } = await tell(identity, access, new Date().toISOString(), detail, options);
  sayDelivery(say, delivery, true);
  if (delivery.verdict?.isGo === false) {
    sayUnwanted(say, delivery.verdict.reason);
    return fencedExitCode;
  }
  await writeOutput(renderAssignments(access));
  return 0;
}

/** For the wrapper: `wrap-end EXITCODE [SIGNAL]`. */
async function endWrapped([, exitCode, stoppedBy]: readonly string[]): Promise<number> {
  const post = openPost();
  if (post.access === undefined) throw post.problem ?? new Error('A job has a gateway or a problem');
  const end = await endWrappedJob(post.identity, post.access, {
    exitCode: Number(exitCode ?? 0),
    ...(stoppedBy === undefined || stoppedBy === '' ? {} : { stoppedBy }),
  });
  for (const reason of end.reasons) say(reason);
  if (end.broughtHome !== undefined) say(`what the gateway has not got is in '${end.broughtHome}'`);
  return 0;
}

/** Aborted some time after the first signal that ends jobs. */
function stopSignal(graceMs: number): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    setTimeout(() => controller.abort(), graceMs).unref();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  return controller.signal;
}

// A report that was begun is told, also by a job that ends; whoever must stop sooner listens too.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
void runMain('cups', async ({ argv }) => runCups(argv), { signals: 'leave' });
