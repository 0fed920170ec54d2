import { SiteError } from '#model/errors.ts';

import type { PayloadRepository } from './payload-repository.ts';

/** What the rules for payloads depend on. */
export interface PayloadPolicy {
  readonly mode: 'production' | 'testbed';
  /** Without dots; `new` may use what is not published yet. */
  readonly build: string;
  /** `--doit`: go on all the same. */
  readonly isForced: boolean;
}

/**
 * Checks whether jobs may be made from a payload as it is.
 *
 * @returns what the operator should know before going on, one sentence each; empty when all is well
 * @throws SiteError if a fixed build would be made in production from a commit that only this checkout has
 */
export function checkPayload(payload: PayloadRepository, policy: PayloadPolicy): readonly string[] {
  if (policy.mode === 'testbed') return [];
  const doubts: string[] = [];
  const where = `payload '${payload.directory}'`;
  if (!payload.isPublished) {
    const missing = describeMissing(payload);
    if (policy.build !== 'new' && !policy.isForced) {
      throw new SiteError(`Commit '${payload.hash}' of ${where} is not published: ${missing}`, {
        code: 'site-payload-unpublished',
        advice: "Push it, so that others can find what made these files, or insist with '--doit'",
      });
    }
    doubts.push(`Commit '${payload.hash}' of ${where} is not published: ${missing}`);
  } else if (!payload.isCurrent) {
    doubts.push(`Commit '${payload.hash}' of ${where} is not the last one of ${branchOf(payload)}`);
  }
  if (payload.isDirty) doubts.push(`Some files of ${where} differ from commit '${payload.hash}'`);
  return doubts;
}

function describeMissing(payload: PayloadRepository): string {
  if (!payload.hasOrigin) return "the checkout has no remote 'origin'";
  return payload.branch === undefined ? "no branch of 'origin' holds it" : `${branchOf(payload)} does not hold it`;
}

function branchOf(payload: PayloadRepository): string {
  return payload.branch === undefined ? "any branch of 'origin'" : `'origin/${payload.branch}'`;
}
