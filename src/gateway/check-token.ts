import { isTokenFor } from '#config/read-site-key.ts';
import { isUuid } from '#util/is-uuid.ts';

import { HttpProblem } from './http-problem.ts';

import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Checks that a request carries the token of the submission it speaks for.
 *
 * @returns the submission's uuid, in lower case
 * @throws HttpProblem 401
 */
export function checkToken(key: KeyObject, headers: IncomingHttpHeaders): string {
  const header = headers['x-slurp-submission'];
  const submission = typeof header === 'string' ? header.toLowerCase() : '';
  const token = /^Bearer ([0-9a-f]{64})$/iu.exec(headers.authorization ?? '')?.[1];
  if (!isUuid(submission)) {
    throw makeRefusal(
      "Header 'X-Slurp-Submission' is missing or not a uuid: expected the uuid of the job's submission",
    );
  }
  if (token === undefined)
    throw makeRefusal("Header 'Authorization' is missing or contains no token: expected 'Bearer TOKEN'");
  if (!isTokenFor(key, submission, token.toLowerCase()))
    throw makeRefusal('The token does not belong to this submission');
  return submission;
}

function makeRefusal(detail: string): HttpProblem {
  return new HttpProblem({ status: 401, code: 'unauthorized', detail, headers: { 'www-authenticate': 'Bearer' } });
}
