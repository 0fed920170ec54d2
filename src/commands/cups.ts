import { writeLine, writeOutput } from '#cli/output.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { checkReport } from '#job/check-report.ts';
import { findInputs } from '#job/find-inputs.ts';
import { reportStart } from '#job/report-start.ts';
import { reportEvent } from '#job/spool/report-event.ts';
import { readStopping, withEndAsRemark } from '#job/with-end-as-remark.ts';
import { renderAssignments, reportScriptEnd } from '#job/wrap.ts';
import { spoolFileNameOf } from '#model/job/job-file.ts';
import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';

import { optionOf, readCupsCall, subcommandOf } from './cups-options.ts';
import {
  assertAccepted,
  fencedExitCode,
  madeForReading,
  openPost,
  reportDelivery,
  reportMisuse,
  reportUnwanted,
  stopIfUnwanted,
  stopUnwanted,
} from './job-post.ts';

import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';
import type { JobIdentity } from '#job/identity.ts';
import type { ReportOutcome } from '#job/spool/report-event.ts';
import type { JobEventDetail } from '#model/job/job-event.ts';

import type { CupsAction, CupsCommon } from './cups-options.ts';
import type { Post } from './job-post.ts';

const say = makeSay('cups');

/** How long a copy may go on after the job was asked to stop. */
const stageOutGraceMs = 10_000;

async function runCups(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'wrap-start') return startWrapped();
  if (argv[0] === 'wrap-end') return reportWrapEnd(argv);
  const call = await readCupsCall(argv);
  if (call === undefined) return 0;
  switch (call.kind) {
    case 'info':
      return printInfo(call.options);
    case 'inputs':
    case 'ranges':
      return printInputs(call.kind);
    case 'stageout':
      return runStageOut(call);
    case 'started':
      return report(call, (identity) => ({ kind: 'started', node: identity.node }));
    case 'report':
      return report(call, () => call.detail);
  }
}

async function report(call: CupsCommon, detailFor: (identity: JobIdentity) => JobEventDetail): Promise<number> {
  const post = openPost();
  const { identity } = post;
  const detail = withEndAsRemark(detailFor(identity), readStopping(identity.directory));
  if (identity.cupsid === 0 && call.isUpdate) return stopUnwanted(say, identity, madeForReading);
  checkReport({ ...identity, cupsid: Math.max(identity.cupsid, 1) }, call.at, detail, optionOf);
  if (!call.isUpdate) return 0;
  const reported =
    detail.kind === 'started' && post.access !== undefined
      ? await startFrom(post.identity, post.access, call)
      : await reportFrom(post, call, detail, false);
  if (post.problem !== undefined) throw post.problem;
  const exitCode = stopIfUnwanted(say, identity, reported.delivery);
  if (exitCode === 0) assertAccepted(reported, detail.kind);
  return exitCode;
}

/** Reports without a caller that waits are tried once: what is not answered goes with the next one. */
async function reportFrom(
  post: Post,
  call: CupsCommon,
  detail: JobEventDetail,
  isPersistent: boolean,
): Promise<ReportOutcome> {
  const timeoutMs = post.access?.job.reportTimeoutMs ?? 0;
  const reported = await reportEvent(post.identity, post.access, call.at, detail, { timeoutMs, isPersistent });
  reportDelivery(say, reported, call.isVerbose);
  return reported;
}

/** Below the wrapper or the launcher, which have waited for the gateway already, a later start is reported as a first one. */
async function startFrom(identity: JobIdentity, access: GatewayAccess, call: CupsCommon): Promise<ReportOutcome> {
  const isWaitedFor = identity.wrapperProcess !== undefined;
  const reported = await reportStart(identity, access, call.at, {
    isLater: identity.start > 0 && !isWaitedFor,
    signal: stopSignal(0),
    say,
  });
  reportDelivery(say, reported, call.isVerbose);
  return reported;
}

async function printInfo(options: readonly (readonly [string, string])[]): Promise<number> {
  const { identity, access, problem } = openPost();
  await writeLine(`Working with cupsid=${identity.cupsid}`);
  const facts = [
    ['start', String(identity.start)],
    ['node', identity.node],
    ['directory', identity.directory],
    ['spool', spoolFileNameOf(identity.cupsid, identity.start)],
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

async function runStageOut(call: CupsCommon & Extract<CupsAction, { kind: 'stageout' }>): Promise<number> {
  const post = openPost();
  if (post.identity.cupsid === 0 && call.isUpdate) return stopUnwanted(say, post.identity, madeForReading);
  // All other calls are quicker without it.
  const { stageOutAndReport } = await import('#job/stage-out/stage-out-and-report.ts');
  const reported = await stageOutAndReport(call, {
    identity: post.identity,
    ...present({ access: post.access }),
    signal: stopSignal(stageOutGraceMs),
    ...(call.isUpdate ? { report: (detail: JobEventDetail) => reportFrom(post, call, detail, true) } : {}),
    check: (detail: JobEventDetail) => void checkReport(post.identity, call.at, detail, optionOf),
    say,
    isVerbose: call.isVerbose,
  });
  if (reported === undefined) return 0;
  if (post.problem !== undefined) throw post.problem;
  const exitCode = stopIfUnwanted(say, post.identity, reported.delivery);
  if (exitCode === 0) assertAccepted(reported, 'stageout');
  return exitCode;
}

/** For the supervisor: reports that the job started, obeys the fence, prints what the site requires as shell assignments. */
async function startWrapped(): Promise<number> {
  const post = openPost();
  const { identity, access } = post;
  if (identity.cupsid === 0) {
    reportUnwanted(say, madeForReading);
    return fencedExitCode;
  }
  if (access === undefined) throw post.problem ?? new Error('A job has a gateway or a problem');
  const reported = await reportStart(identity, access, new Date().toISOString(), {
    isLater: identity.start > 0,
    signal: stopSignal(0),
    say,
  });
  const { delivery, refusal } = reported;
  reportDelivery(say, reported, true);
  if (refusal !== undefined) say(`the gateway refused the report 'started': ${refusal}`);
  if (delivery.verdict?.isGo === false) {
    reportUnwanted(say, delivery.verdict.reason);
    return fencedExitCode;
  }
  await writeOutput(renderAssignments(access));
  return 0;
}

/** For the supervisor: `wrap-end EXITCODE [SIGNAL]`. @returns 0 if no report is in this job's directory alone */
async function reportWrapEnd([, exitCode, stoppedBy]: readonly string[]): Promise<number> {
  const post = openPost();
  if (post.access === undefined) throw post.problem ?? new Error('A job has a gateway or a problem');
  const end = await reportScriptEnd(post.identity, post.access, {
    exitCode: Number(assertPresent(exitCode, 'EXITCODE of wrap-end')),
    ...(stoppedBy === undefined || stoppedBy === '' ? {} : { stoppedBy }),
  });
  for (const reason of end.reasons) say(reason);
  if (end.broughtHome !== undefined) say(`reports that the gateway does not have are in '${end.broughtHome}'`);
  return end.isDelivered || end.broughtHome !== undefined ? 0 : 3;
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

// A report that was begun is delivered, also by a job that ends; what must stop sooner listens too.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
void runMain(
  'cups',
  async ({ argv }) => {
    try {
      return await runCups(argv);
    } catch (error) {
      if (!argv.includes('--no-update')) await reportMisuse(error, subcommandOf(argv) ?? 'cups');
      throw error;
    }
  },
  { signals: 'leave' },
);
