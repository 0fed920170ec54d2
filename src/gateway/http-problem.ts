import { DatabaseError, GatewayError } from '#model/errors.ts';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Log } from '#model/log.ts';

/** The parts of an answer with `application/problem+json` (RFC 9457); `status` is that of HTTP. */
export interface ProblemOptions {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  readonly detail: string;
  /** Further members of the answer, e.g. all complaints. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'No valid token',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Wrong method',
  413: 'Too large',
  415: 'Not JSON',
  500: 'Internal error',
  503: 'Not available now',
};

/** Every failure that a client of the gateway sees. @see https://www.rfc-editor.org/rfc/rfc9457 */
export class HttpProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly more: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: ProblemOptions) {
    super(options.detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HttpProblem';
    this.status = options.status;
    this.code = options.code;
    this.more = options.more ?? {};
    this.headers = options.headers ?? {};
  }
}

/** Makes a problem of whatever was thrown; of what is not the client's fault the answer has no details. */
function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof DatabaseError && error.code !== 'database-syntax') {
    return makeUnavailable(error.code, 'The database is unavailable; nothing of this request was recorded', error);
  }
  if (error instanceof GatewayError) return makeUnavailable(error.code, error.message, error);
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (error instanceof Error && status >= 400 && status < 500) {
    return new HttpProblem({ status, code: codeOf(status), detail: error.message, cause: error });
  }
  return new HttpProblem({
    status: 500,
    code: 'internal',
    detail: 'The gateway failed; nothing of this request was recorded',
    cause: error,
  });
}

function makeUnavailable(code: string, detail: string, cause: unknown): HttpProblem {
  return new HttpProblem({ status: 503, code, detail, headers: { 'retry-after': '2' }, cause });
}

function codeOf(status: number): string {
  if (status === 413) return 'too-large';
  if (status === 415) return 'not-json';
  return 'bad-request';
}

/** Sends a problem as `application/problem+json`. */
async function sendProblem(reply: FastifyReply, problem: HttpProblem): Promise<void> {
  await reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({
      type: 'about:blank',
      title: titles[problem.status] ?? 'Failed',
      status: problem.status,
      detail: problem.message,
      code: problem.code,
      ...problem.more,
    });
}

/** One line in this time for failures of ours: a database that is away fails every request of every job. */
const quietMs = 10_000;

/** Makes the one place where failures of requests end: logged, and answered as problem+json. */
export function makeOnError(log: Log): (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  let quietUntil = 0;
  let unsaid = 0;
  return async (error, request, reply) => {
    const problem = toProblem(error);
    const facts = { code: problem.code, method: request.method, path: request.url, from: request.ip };
    if (problem.status < 500) {
      log.debug(facts, problem.message);
    } else if (Date.now() < quietUntil) {
      unsaid += 1;
    } else {
      log.error({ ...facts, error: problem.cause, unsaid }, 'request failed');
      quietUntil = Date.now() + quietMs;
      unsaid = 0;
    }
    await sendProblem(reply, problem);
  };
}
