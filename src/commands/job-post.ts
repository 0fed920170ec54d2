import type { Delivery } from '#job/spool/deliver.ts';
import { endJob } from '#job/end-job.ts';
import { findIdentity, type JobIdentity } from '#job/identity.ts';
import { readGatewayAccess, type GatewayAccess } from '#job/read-gateway-access.ts';
import { hasToldEnd } from '#job/wrap.ts';
import { SiteError } from '#model/errors.ts';
import type { Say } from '#model/log.ts';

/** Where a job tells its reports. */
export interface Post {
  readonly identity: JobIdentity;
  readonly access?: GatewayAccess;
  /** Why there is no access. */
  readonly problem?: SiteError;
}

/** The job is not wanted any more; see cli/exit-codes.ts. */
export const fencedExitCode = 24;

/** Why a job with number 0 ends. */
export const madeForReading = 'its cupsid is 0: it was made for reading, and belongs to no attempt';

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

/** Says what somebody has to know of a delivery; one that only waits is said where `isVerbose`. */
export function sayDelivery(say: Say, { outcome, reasons }: Delivery, isVerbose: boolean): void {
  const words = reasons.join('; ');
  if (outcome === 'refused') say(`the gateway refuses reports of this job, they stay in the spool: ${words}`);
  else if (outcome === 'delivered' && words !== '') say(words);
  else if (outcome === 'away' && isVerbose) say(`not delivered yet, it waits in the spool: ${words}`);
}

/** Ends the job if the gateway said so. @returns the exit code */
export function obey(say: Say, identity: JobIdentity, { verdict }: Delivery): number {
  if (verdict === undefined || verdict.isGo || hasToldEnd(identity)) return 0;
  return fence(say, identity, verdict.reason);
}

/** Says that this job ends, and why. */
export function sayUnwanted(say: Say, reason = noReason): void {
  say(`this job is not wanted and ends now: ${reason}`);
}

/** Ends a job that is not wanted. @returns the exit code */
export function fence(say: Say, identity: JobIdentity, reason = noReason): number {
  sayUnwanted(say, reason);
  if (endJob(identity, reason) === 'nobody')
    say('it cannot be ended from here: the script should look at the exit code');
  return fencedExitCode;
}
