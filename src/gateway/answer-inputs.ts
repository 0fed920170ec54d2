import { findInputs } from '#db/status/find-inputs.ts';

import { HttpProblem } from './http-problem.ts';
import { parseNumber } from './parse-number.ts';

import type { Database } from '#db/connect.ts';

/** The answer to `GET /v1/attempts/:id/inputs`. */
export interface InputsReply {
  /** Whose inputs these are: the client compares it. */
  readonly cupsid: number;
  /** Paths in the order of dispatch. */
  readonly inputs: readonly string[];
  /** One a path, where the rule gave ranges; else empty. */
  readonly ranges: readonly string[];
}

/**
 * Answers which input files an attempt has.
 *
 * @param id as it stands in the address
 * @param start as it stands in the address's query: which start of the job asks; absent: the one that reported last
 * @throws HttpProblem 400, 403, 404; DatabaseError
 */
export async function answerInputs(
  status: Database,
  submission: string,
  id: string,
  start: unknown,
): Promise<InputsReply> {
  const cupsid = parseNumber('cupsid', id);
  const found = await findInputs(status, cupsid, start === undefined ? undefined : parseNumber('start', start));
  if (found === undefined) {
    throw new HttpProblem({
      status: 404,
      code: 'unknown-attempt',
      detail: `Attempt ${cupsid} does not exist`,
    });
  }
  if (found.submission !== submission) {
    const detail = `The attempt with cupsid ${cupsid} belongs to another submission`;
    throw new HttpProblem({ status: 403, code: 'forbidden', detail });
  }
  return { cupsid, inputs: splitList(found.inputs), ranges: splitList(found.ranges ?? '') };
}

function splitList(text: string): readonly string[] {
  return text === '' ? [] : text.split(',');
}
