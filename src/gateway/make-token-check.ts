import { timingSafeEqual } from 'node:crypto';

import { tokenOf } from '#config/read-site-key.ts';
import { isUuid } from '#util/is-uuid.ts';

import { HttpProblem } from './http-problem.ts';

import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Size of the token cache: a few hundred kB. */
const maxKept = 2000;

/**
 * Makes the function that checks the token of a request. Valid tokens are cached, since thousands of jobs of one submission
 * send the same one; refused requests leave nothing in the cache.
 *
 * @returns a function that returns the submission's uuid, in lower case, and throws HttpProblem 401
 */
export function makeTokenCheck(key: KeyObject): (headers: IncomingHttpHeaders) => string {
  const known = new Map<string, Buffer>();
  return (headers) => {
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
    const kept = known.get(submission);
    const expected = kept ?? Buffer.from(tokenOf(key, submission));
    if (!timingSafeEqual(expected, Buffer.from(token.toLowerCase())))
      throw makeRefusal('The token does not belong to this submission');
    if (kept === undefined) {
      if (known.size >= maxKept) known.clear();
      known.set(submission, expected);
    }
    return submission;
  };
}

function makeRefusal(detail: string): HttpProblem {
  return new HttpProblem({ status: 401, code: 'unauthorized', detail, headers: { 'www-authenticate': 'Bearer' } });
}
