import { GatewayError } from '#model/errors.ts';
import { renderComplaints } from '#model/job/parse-event.ts';
import { parseSign } from '#model/job/sign-of-life.ts';
import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';
import { withBound } from '#util/with-bound.ts';

import { HttpProblem } from './http-problem.ts';
import { readList } from './read-list.ts';

import type { SignRecorder } from '#ingest/sign-recorder.ts';
import type { SignResult } from '#model/job/sign-of-life.ts';

/** How long a request may wait for its commit. A job does not: it sends the next sign in a few minutes. */
const boundMs = 15_000;

/** The answer to `POST /v1/signs`: one result a sign, in the order of the request. */
export interface SignReply {
  readonly results: readonly SignResult[];
}

/**
 * Answers `POST /v1/signs`: records signs of life, which change no state.
 *
 * @throws HttpProblem 400 where no sign is valid, 403 where all are of other submissions, 413 for too many; DatabaseError and
 *   GatewayError where nothing was recorded
 * @see docs/gateway.md
 */
export async function answerSigns(recorder: SignRecorder, submission: string, body: unknown): Promise<SignReply> {
  const parsed = readList(body, 'signs').map(parseSign);
  const signs = parsed.flatMap((sign) => ('cupsid' in sign ? [{ sign, submission }] : []));
  const recorded = await withBound(recorder.write(signs), boundMs, () => {
    throw new GatewayError('The database takes too long', { code: 'gateway-slow' });
  });
  let next = 0;
  const results = parsed.map((sign): SignResult => {
    if (!('cupsid' in sign)) return { cupsid: 0, outcome: 'invalid', reason: renderComplaints(sign) };
    const { outcome, reason } = assertPresent(recorded[next++], 'a result for each sign');
    return { cupsid: sign.cupsid, outcome, ...present({ reason }) };
  });
  assertSomeTaken(results);
  return { results };
}

/** Where nothing at all could be recorded the status says so too. */
function assertSomeTaken(results: readonly SignResult[]): void {
  if (results.length === 0) return;
  if (results.every(({ outcome }) => outcome === 'invalid')) {
    const detail = 'No sign of life in this request is valid: see results';
    throw new HttpProblem({ status: 400, code: 'invalid-signs', detail, more: { results } });
  }
  if (results.every(({ outcome }) => outcome === 'forbidden')) {
    const detail = 'All signs of life in this request are of attempts of another submission';
    throw new HttpProblem({ status: 403, code: 'forbidden', detail, more: { results } });
  }
}
