import { isTokenFor } from '#config/site-key.ts';

import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { HttpProblem } from './http-problem.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

/**
 * Checks that a request carries the token of the submission it speaks for.
 *
 * @returns the submission's uuid, in lower case
 * @throws HttpProblem 401
 */
export function checkToken(key: KeyObject, headers: IncomingHttpHeaders): string {
  const submission = headers['x-slurp-submission'];
  const token = /^Bearer ([0-9a-f]{64})$/iu.exec(headers.authorization ?? '')?.[1];
  if (typeof submission !== 'string' || !uuid.test(submission)) {
    throw refusal("Header 'X-Slurp-Submission' is missing or no uuid: expected that of the job's submission");
  }
  if (token === undefined)
    throw refusal("Header 'Authorization' is missing or holds no token: expected 'Bearer TOKEN'");
  if (!isTokenFor(key, submission, token.toLowerCase())) throw refusal('The token is not that of this submission');
  return submission.toLowerCase();
}

function refusal(detail: string): HttpProblem {
  return new HttpProblem({ status: 401, code: 'unauthorized', detail, headers: { 'www-authenticate': 'Bearer' } });
}
