import { readGatewayAccess } from '#job/ask/read-gateway-access.ts';
import { findIdentity } from '#job/identity.ts';
import { renderRefusal } from '#job/spool/deliver.ts';
import { reportEvent } from '#job/spool/report-event.ts';
import { stopJob } from '#job/stop-job.ts';
import { hasReportedEnd } from '#job/wrap.ts';
import { GatewayError, SiteError, UsageError } from '#model/errors.ts';

import type { GatewayAccess } from '#job/ask/read-gateway-access.ts';
import type { JobIdentity } from '#job/identity.ts';
import type { Delivery } from '#job/spool/deliver.ts';
import type { ReportOutcome } from '#job/spool/report-event.ts';
import type { Say } from '#model/log.ts';

/** The job that reports, and its way to the gateway; without `access` reports wait in the spool. */
export interface Post {
  readonly identity: JobIdentity;
  readonly access?: GatewayAccess;
  /** Why there is no access. */
  readonly problem?: SiteError;
}

/** The job is not wanted any more; see cli/exit-codes.ts. */
export const fencedExitCode = 24;

/** Why a job with number 0 ends. */
export const madeForReading = 'its cupsid is 0: it comes from a dump and does not belong to an attempt';

const noReason = 'no reason given';

/** Finds out who speaks, and to whom. @throws UsageError where the job does not know its number */
export function openPost(): Post {
  const identity = findIdentity();
  try {
    return { identity, access: readGatewayAccess(identity.directory) };
  } catch (error) {
    if (error instanceof SiteError) return { identity, problem: error };
    throw error;
  }
}

/** Reports what one has to know of a delivery; one that only waits is said where `isVerbose`. */
export function reportDelivery(say: Say, { delivery, line }: ReportOutcome, isVerbose: boolean): void {
  const { outcome, reason, refused } = delivery;
  for (const refusal of refused) {
    // The report of this call is an error of its own.
    if (refusal.sequence !== (line?.sequence ?? 0)) say(`${renderRefusal(refusal)}; the spool keeps it`);
  }
  if (outcome === 'denied') say(`the gateway denies this job access, its reports stay in the spool: ${reason}`);
  else if (outcome === 'away' && isVerbose) say(`not delivered yet; it is in the spool: ${reason}`);
}

/** @throws GatewayError if the gateway refused this very report: nothing that the job does will change that */
export function assertAccepted({ refusal }: ReportOutcome, report: string): void {
  if (refusal === undefined) return;
  const isStageOut = report === 'stageout';
  throw new GatewayError(`The gateway refused the report '${report}': ${refusal}`, {
    code: isStageOut ? 'gateway-registration-refused' : 'gateway-report-refused',
    advice: "It is kept in the spool; 'slurp refused' at the site lists refused reports",
  });
}

/** Ends the job if the gateway said so. @returns the exit code */
export function stopIfUnwanted(say: Say, identity: JobIdentity, { verdict }: Delivery): number {
  if (verdict === undefined || verdict.isGo || hasReportedEnd(identity)) return 0;
  return stopUnwanted(say, identity, verdict.reason);
}

/**
 * Reports that a command of this job was called with something that makes no sense: a script that ignores the exit code
 * goes on, and the site should know what it does not get. Never throws, and does nothing outside of a job.
 */
export async function reportMisuse(error: unknown, report: string): Promise<void> {
  // What older systems had is documented; a script that still asks for it loses nothing that it would have here.
  if (!(error instanceof UsageError) || error.code === 'usage-old-subcommand') return;
  try {
    const { identity, access } = openPost();
    if (access === undefined || identity.cupsid === 0) return;
    const reason = [error.message, ...error.complaints].join('; ');
    const options = { timeoutMs: access.job.reportTimeoutMs, isPersistent: false };
    await reportEvent(identity, access, new Date().toISOString(), { kind: 'refused', report, reason }, options);
  } catch {
    // No spool, or no job: what is wrong is said on stderr.
  }
}

/** Reports that this job ends, and why. */
export function reportUnwanted(say: Say, reason = noReason): void {
  say(`this job is no longer needed and ends now: ${reason}`);
}

/** Ends a job that is not wanted. @returns the exit code */
export function stopUnwanted(say: Say, identity: JobIdentity, reason = noReason): number {
  reportUnwanted(say, reason);
  if (stopJob(identity, reason) === 'none') say('cups cannot end the job: the script must check the exit code of cups');
  return fencedExitCode;
}
