import { findClaimant } from '#db/status/owner/find-claimant.ts';
import { claimNames } from '#ingest/claim-names.ts';
import { GatewayError } from '#model/errors.ts';
import { parseNameQuestion } from '#model/job/name-question.ts';
import { renderComplaints } from '#model/job/parse-event.ts';
import { withBound } from '#util/with-bound.ts';

import { HttpProblem } from './http-problem.ts';
import { parseNumber } from './parse-number.ts';

import type { Database } from '#db/connect.ts';
import type { Claimant } from '#db/status/owner/find-claimant.ts';
import type { NameAnswer, NameQuestion } from '#model/job/name-question.ts';

/** How long a request may wait for the databases; jobs ask again. */
const boundMs = 15_000;

/**
 * Answers `POST /v1/attempts/:id/claim`: whether an attempt may give a file a name. Granted, the name belongs to the
 * attempt's product from then on.
 *
 * @param id as it stands in the address
 * @throws HttpProblem 400, 403, 404; DatabaseError, GatewayError where it is not decided
 * @see docs/gateway.md
 */
export async function answerClaim(
  resources: { readonly status: Database; readonly catalog: Database },
  submission: string,
  id: string,
  body: unknown,
): Promise<NameAnswer> {
  const cupsid = parseNumber('cupsid', id);
  const question = parseNameQuestion(body);
  if (!('lfn' in question)) {
    const detail = `The request cannot be read: ${renderComplaints(question)}`;
    throw new HttpProblem({ status: 400, code: 'bad-request', detail, more: { complaints: question } });
  }
  const claimant = await findClaimant(resources.status, cupsid);
  if (claimant === undefined) {
    throw new HttpProblem({
      status: 404,
      code: 'unknown-attempt',
      detail: `Attempt ${cupsid} does not exist`,
    });
  }
  if (claimant.submission !== submission) {
    const detail = `The attempt with cupsid ${cupsid} belongs to another submission`;
    throw new HttpProblem({ status: 403, code: 'forbidden', detail });
  }
  const { lfn, isTaken } = question;
  const { dstfile } = claimant;
  const reason =
    reasonOf(claimant, question) ??
    (await withBound(claimNames(resources, [{ lfn, dstfile, cupsid, isTaken }]), boundMs, answerTooSlow))[0];
  return reason === undefined ? { cupsid, isGranted: true } : { cupsid, isGranted: false, reason };
}

/** Why the attempt may put no file at all any more. */
function reasonOf({ retiredReason, state, start }: Claimant, question: NameQuestion): string | undefined {
  if (retiredReason !== null) return `the attempt was retired: ${retiredReason}`;
  if (state !== 'finished' || start < 0 || start === question.start) return undefined;
  return `the attempt finished in start ${start} of its job, not in start ${question.start}`;
}

function answerTooSlow(): never {
  throw new GatewayError('The databases take too long; send the request again', { code: 'gateway-slow' });
}
