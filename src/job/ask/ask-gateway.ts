import { request as requestHttp } from 'node:http';

import { present } from '#util/present.ts';

import type { IncomingMessage } from 'node:http';

import type { GatewayAccess } from './read-gateway-access.ts';

/**
 * What the gateway answered. `answer`: JSON with status 200, for the caller to check. `refusal`: the gateway does not
 * do what was asked, and asking again is useless. `silence`: no answer of the gateway, or not now.
 */
export type GatewayAnswer =
  | { readonly kind: 'answer'; readonly body: unknown }
  | { readonly kind: 'refusal'; readonly status: number; readonly body: unknown; readonly reason: string }
  | { readonly kind: 'silence'; readonly reason: string };

const maximalAnswerBytes = 64 * 1024 * 1024;

/** A gateway that takes longer is asked again, if there is time: it may have been replaced by another. */
const longestAnswerMs = 30_000;

/**
 * Sends one request to the gateway; `node:http` and not `fetch`, which takes 90 ms longer to start (measured on Node 20).
 *
 * Never throws: no connection, no answer in time, and an answer that is not the gateway's are silence. A refusal of the
 * gateway is a problem with a `code`; a status alone may come from whatever stands between (a proxy, another server on
 * the port). Only a request that is too long (413) for that is too long all the same.
 * @param path begins with `/`
 * @param body sent as JSON with POST; GET where absent
 * @param timeoutMs for everything together; more than 30 s count as 30 s
 * @param signal ends the request, which is silence too
 */
export async function askGateway(
  { job, token }: GatewayAccess,
  path: string,
  body: string | undefined,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<GatewayAnswer> {
  const answerMs = Math.min(timeoutMs, longestAnswerMs);
  const url = new URL(`${job.gateway.replace(/\/+$/u, '')}${path}`);
  // Loading it takes a tenth of the time of a whole call of `cups`; most gateways are next door.
  const request = url.protocol === 'https:' ? (await import('node:https')).request : requestHttp;
  return new Promise((resolve) => {
    const silence = (reason: string): void => resolve({ kind: 'silence', reason });
    const sent = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      ...present({ signal }),
      headers: {
        authorization: `Bearer ${token}`,
        'x-slurp-submission': job.submission,
        // The gateway compares the clocks: a node's may be days off.
        'x-slurp-now': new Date().toISOString(),
        accept: 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    const timer = setTimeout(() => {
      silence(`no answer within ${answerMs} ms`);
      sent.destroy();
    }, answerMs);
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', (error) => silence(error.message === '' ? String(error) : error.message));
    sent.on('response', (response) => readAnswer(response, resolve));
    sent.end(body);
  });
}

function readAnswer(response: IncomingMessage, resolve: (answer: GatewayAnswer) => void): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on('error', (error) => resolve({ kind: 'silence', reason: error.message }));
  response.on('aborted', () => resolve({ kind: 'silence', reason: 'the answer was cut short' }));
  response.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maximalAnswerBytes) response.destroy(new Error('the answer is too long'));
    else chunks.push(chunk);
  });
  response.on('end', () => {
    resolve(parseReply(response.statusCode ?? 0, parse(Buffer.concat(chunks).toString('utf8'))));
  });
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function parseReply(status: number, body: unknown): GatewayAnswer {
  if (status === 200) {
    return body === undefined
      ? { kind: 'silence', reason: 'the answer (status 200) is not JSON' }
      : { kind: 'answer', body };
  }
  const problem = problemOf(body);
  const reason = `${problem?.words ?? "the answer is not the gateway's"} (status ${status})`;
  const isFinal = status >= 400 && status < 500 && status !== 429;
  return isFinal && (problem !== undefined || status === 413)
    ? { kind: 'refusal', status, body, reason }
    : { kind: 'silence', reason };
}

/** Reads a problem as our gateway sends it; undefined for other answers. */
function problemOf(body: unknown): { readonly words: string } | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...body };
  const { code, detail, title } = fields;
  if (typeof code !== 'string' || code === '') return undefined;
  return { words: [detail, title].find((word): word is string => typeof word === 'string' && word !== '') ?? code };
}
