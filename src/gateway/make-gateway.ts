import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import fastify from 'fastify';

import { makeEventRecorder } from '#ingest/event-recorder.ts';
import { makeSignRecorder } from '#ingest/sign-recorder.ts';
import { makeStageoutApplier } from '#ingest/stageout-applier.ts';
import { present } from '#util/present.ts';
import { headOf } from '#util/text/head-of.ts';

import { answerClaim } from './answer-claim.ts';
import { answerEvents } from './answer-events.ts';
import { answerInputs } from './answer-inputs.ts';
import { answerSigns } from './answer-signs.ts';
import { checkHealth } from './health.ts';
import { HttpProblem, makeOnError } from './http-problem.ts';
import { makeTokenCheck } from './make-token-check.ts';

import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { KeyObject } from 'node:crypto';
import type { ServerOptions as HttpOptions } from 'node:http';

import type { Database } from '#db/connect.ts';
import type { EventRecorder } from '#ingest/event-recorder.ts';
import type { StageoutApplier } from '#ingest/stageout-applier.ts';
import type { Log } from '#model/log.ts';

/** What a gateway is made of. The databases stay the caller's: he closes them after the gateway. */
export interface GatewayResources {
  readonly status: Database;
  readonly catalog: Database;
  readonly siteKey: KeyObject;
  readonly log: Log;
  readonly version: string;
  /** Where spools come home; absent: nowhere. */
  readonly spoolDirectory?: string;
  /** Certificate and key in PEM, for `https`. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** The gateway without a socket; for tests `app.inject(…)`. */
export interface Gateway {
  readonly app: FastifyInstance;
  readonly recorder: EventRecorder;
  readonly applier: StageoutApplier;
  /** Requests that were begun and are not answered yet. */
  inFlight(): number;
}

/** Bytes of a body at most. */
const bodyLimitBytes = 1024 * 1024;

/** A client that stands still is let go; jobs open a connection for each report and send it at once. */
const timeouts: HttpOptions = {
  requestTimeout: 20_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 5000,
};

/** Each connection costs some ten kB; beyond this many newcomers wait in the kernel's queue or are dropped. */
const maxConnections = 4000;

/** Which methods an address knows, for the answer 405. */
const methods: readonly (readonly [path: RegExp, method: string])[] = [
  [/^\/v1\/events$/u, 'POST'],
  [/^\/v1\/signs$/u, 'POST'],
  [/^\/v1\/attempts\/[^/]+\/inputs$/u, 'GET'],
  [/^\/v1\/attempts\/[^/]+\/claim$/u, 'POST'],
  [/^\/health$/u, 'GET'],
];

/**
 * Makes the gateway: routes, limits, errors. `app.close()` finishes what was received, and writes it.
 *
 * @see docs/gateway.md
 */
export function makeGateway(resources: GatewayResources): Gateway {
  const { status, catalog, siteKey, log, version } = resources;
  const recorder = makeEventRecorder({ status, log });
  const signRecorder = makeSignRecorder({ status, log });
  const applier = makeStageoutApplier({ status, catalog, log });
  const app: FastifyInstance = fastify({
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 100 },
    serverFactory: (handler) => {
      const server =
        resources.tls === undefined
          ? createServer(timeouts, handler)
          : createTlsServer({ ...timeouts, cert: resources.tls.certificate, key: resources.tls.key }, handler);
      server.maxConnections = maxConnections;
      return server;
    },
  });
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler(makeOnError(log));
  app.setNotFoundHandler((request) => {
    const path = headOf(request.url, '?');
    const allowed = methods.find(([known]) => known.test(path))?.[1];
    throw allowed === undefined
      ? new HttpProblem({ status: 404, code: 'not-found', detail: 'No resource at this address' })
      : new HttpProblem({
          status: 405,
          code: 'wrong-method',
          detail: `Method '${request.method}' is not allowed here: expected ${allowed}`,
          headers: { allow: allowed },
        });
  });
  let inFlight = 0;
  const noteEnd = (): void => {
    inFlight -= 1;
  };
  app.addHook('onRequest', (_request, reply, done) => {
    inFlight += 1;
    reply.raw.once('close', noteEnd);
    done();
  });
  app.addHook('onClose', async () => {
    await recorder.close();
    await signRecorder.close();
    await applier.close();
  });

  const ingest = { status, catalog, log, recorder, applier };
  const checkToken = makeTokenCheck(siteKey);
  // Who may not speak is turned away before the body is read.
  const admit: onRequestHookHandler = (request, _reply, done) => {
    checkToken(request.headers);
    done();
  };
  app.post('/v1/events', { onRequest: admit }, (request, reply) => {
    // By what both clocks said as the request was sent: not by when its events were written.
    const sentMs = Date.parse(String(request.headers['x-slurp-now']));
    const clockOffsetMs = Math.round(Date.now() - reply.elapsedTime - sentMs);
    const clock = Number.isNaN(clockOffsetMs) ? {} : { clockOffsetMs };
    return answerEvents(ingest, checkToken(request.headers), request.body, clock);
  });
  app.post('/v1/signs', { onRequest: admit }, (request) =>
    answerSigns(signRecorder, checkToken(request.headers), request.body),
  );
  app.get<{ Params: { id: string }; Querystring: { start?: unknown } }>('/v1/attempts/:id/inputs', (request) =>
    answerInputs(status, checkToken(request.headers), request.params.id, request.query.start),
  );
  app.post<{ Params: { id: string } }>('/v1/attempts/:id/claim', { onRequest: admit }, (request) =>
    answerClaim({ status, catalog }, checkToken(request.headers), request.params.id, request.body),
  );
  app.get('/health', async (_request, reply) => {
    const { spoolDirectory } = resources;
    const health = await checkHealth({
      ...{ status, version, facts: recorder.facts() },
      ...present({ spoolDirectory }),
    });
    return reply.code(health.isServing ? 200 : 503).send(health);
  });
  return { app, recorder, applier, inFlight: () => inFlight };
}
