import { SiteError } from '#model/errors.ts';
import { countOf } from '#util/count-of.ts';

import type { PayloadCheckout } from '#model/payload.ts';

import type { PayloadRepository } from './payload-repository.ts';
import type { PayloadSurvey } from './survey/survey-payload.ts';

/** What the rules for payloads depend on. */
export interface PayloadPolicy {
  readonly mode: 'production' | 'testbed';
  /** Without dots; `new` may use what is not published yet. */
  readonly build: string;
  /** `--doit`: go on all the same. */
  readonly isForced: boolean;
}

/** What there is to say of a payload that jobs may be made from. */
export interface CheckedPayload {
  /** What the operator should know before going on, one sentence each; empty when there are none. */
  readonly doubts: readonly string[];
  /** Those of them for which a fixed build would be refused without `--doit`. */
  readonly overridden: readonly string[];
}

/** The parts of a survey that decide. */
export type CheckedSurvey = Pick<PayloadSurvey, 'repository' | 'origin'>;

/** Names of files in one message. */
const shown = 10;

/**
 * Checks whether jobs may be made from a payload as it is.
 *
 * @throws SiteError if a fixed build would be made in production from content that no published commit holds
 * (`site-payload-unpublished`, `site-payload-changed`); `complaints` name all of it
 */
export function checkPayload({ repository, origin }: CheckedSurvey, policy: PayloadPolicy): CheckedPayload {
  if (policy.mode === 'testbed') return { doubts: [], overridden: [] };
  const reasons = origin.checkouts.flatMap((checkout, index) => [
    ...findUnpublished(checkout, index === 0 ? repository : undefined),
    ...findChanged(checkout, index === 0 ? repository : undefined),
  ]);
  const isRefused = policy.build !== 'new' && reasons.length > 0;
  if (isRefused && !policy.isForced) throw makeRefusal(reasons);
  const texts = reasons.map(({ message, files }) =>
    files === undefined ? message : `${message}: ${files.join(', ')}`,
  );
  const isBehind = repository.isPublished && !repository.isCurrent;
  const behind = `Commit '${repository.hash}' of ${placeOf(repository)} is not the last one of ${branchOf(repository)}`;
  return { doubts: [...(isBehind ? [behind] : []), ...texts], overridden: isRefused ? texts : [] };
}

interface Reason {
  readonly code: string;
  readonly message: string;
  readonly files?: readonly string[];
}

/** `repository`: of the payload directory itself, about which more is known. */
function findUnpublished(checkout: PayloadCheckout, repository: PayloadRepository | undefined): readonly Reason[] {
  if (checkout.isPublished) return [];
  const code = 'site-payload-unpublished';
  if (repository === undefined) {
    const commit = checkout.commit.slice(0, 10);
    return [{ code, message: `Commit '${commit}' of the checkout '${checkout.top}' is not published` }];
  }
  const missing = describeMissing(repository);
  return [{ code, message: `Commit '${repository.hash}' of ${placeOf(repository)} is not published: ${missing}` }];
}

function findChanged(checkout: PayloadCheckout, repository: PayloadRepository | undefined): readonly Reason[] {
  const { differences, top, commit } = checkout;
  if (differences.length === 0) return [];
  const where = repository === undefined ? `the checkout '${top}'` : placeOf(repository);
  const count = countOf(differences.length, 'staged file');
  const differ = differences.length === 1 ? 'differs' : 'differ';
  const named = repository?.hash ?? commit.slice(0, 10);
  const files = differences.slice(0, shown).map(({ path, what }) => `'${path}' (${what})`);
  if (differences.length > shown) files.push(`and ${differences.length - shown} more`);
  return [{ code: 'site-payload-changed', message: `${count} of ${where} ${differ} from commit '${named}'`, files }];
}

/** One error for all reasons; the first gives its code. */
function makeRefusal(reasons: readonly Reason[]): SiteError {
  const [first = { code: 'site-payload-changed', message: '' }, ...others] = reasons;
  const isUnpublished = reasons.every(({ code }) => code === 'site-payload-unpublished');
  return new SiteError(first.message, {
    code: first.code,
    complaints: [...(first.files ?? []), ...others.flatMap(({ message, files = [] }) => [message, ...files])],
    advice: isUnpublished
      ? "Push it, so that others can find the code that made these files, or override with '--doit'"
      : "Commit and push what the jobs run, so that others can find the code that made these files, or override with '--doit'",
  });
}

function placeOf({ directory }: PayloadRepository): string {
  return `payload '${directory}'`;
}

function describeMissing(payload: PayloadRepository): string {
  if (!payload.hasOrigin) return "the checkout has no remote 'origin'";
  return payload.branch === undefined
    ? "no branch of 'origin' contains it"
    : `${branchOf(payload)} does not contain it`;
}

function branchOf(payload: PayloadRepository): string {
  return payload.branch === undefined ? "any branch of 'origin'" : `'origin/${payload.branch}'`;
}
