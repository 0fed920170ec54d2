import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JobEvent } from '#model/job/job-event.ts';

/** How the gateway behaves; the fields may be changed while it runs. */
export interface GatewayMood {
  /** Answers every request with this status and nothing else. */
  status?: number;
  /** Answers nothing. */
  isSilent?: boolean;
  /** What `started` is answered. */
  verdict?: { readonly go: boolean; readonly reason?: string };
  isRegistered?: boolean;
  /** What every stage-out is answered, instead of being registered. */
  refusal?: string;
  /** What is answered to who asks for a file name; else it is granted. */
  claim?: { readonly isGranted: boolean; readonly reason?: string };
  /** What becomes of every event, instead of being taken. */
  outcome?: 'unknown-attempt' | 'forbidden' | 'invalid';
  /** Waits so long before it answers. */
  delayMs?: number;
  inputs?: readonly string[];
  ranges?: readonly string[];
  /** What is sent instead of the answer that it would give, as by a proxy; nothing of the request is remembered. */
  forged?: (reply: unknown) => ForgedAnswer;
}

/** An answer that is not the gateway's. */
export interface ForgedAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** A gateway that only remembers; what it is for is to be away, slow and unfriendly. */
export interface RecordingGateway {
  readonly url: string;
  readonly mood: GatewayMood;
  /** Every event once, in the order of its first arrival. */
  readonly events: () => readonly JobEvent[];
  /** How many events arrived, repetitions included. */
  readonly arrivals: () => number;
  readonly requests: readonly { readonly method: string; readonly path: string; readonly token: string }[];
  /** The questions for file names. */
  readonly claims: readonly unknown[];
  /** Stops listening; `open` listens on the same port again. */
  close(): Promise<void>;
  open(): Promise<void>;
}

/** Starts a gateway that remembers what is reported. */
export async function startRecordingGateway(): Promise<RecordingGateway> {
  const mood: GatewayMood = {};
  const events = new Map<string, JobEvent>();
  const claims: unknown[] = [];
  const requests: { method: string; path: string; token: string }[] = [];
  let arrivals = 0;
  let port = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const path = request.url ?? '';
    requests.push({ method: request.method ?? '', path, token: request.headers.authorization ?? '' });
    if (mood.isSilent === true) return;
    if (mood.delayMs !== undefined) await sleep(mood.delayMs);
    if (mood.status !== undefined) {
      send(response, mood.status, { title: 'No', detail: 'not in the mood', code: 'not-in-the-mood' });
      return;
    }
    if (path.includes('/inputs')) {
      const cupsid = Number(path.split('/')[3]);
      reply(response, { cupsid, inputs: mood.inputs ?? [], ranges: mood.ranges ?? [] });
      return;
    }
    if (path.endsWith('/claim')) {
      claims.push(JSON.parse(body));
      reply(response, { cupsid: Number(path.split('/')[3]), ...(mood.claim ?? { isGranted: true }) });
      return;
    }
    const parsed: { events: JobEvent[] } = JSON.parse(body);
    arrivals += parsed.events.length;
    const results = parsed.events.map((event) => {
      const { cupsid, source, sequence } = event;
      const key = `${cupsid} ${source} ${sequence}`;
      const isNew = !events.has(key);
      if (isNew && mood.forged === undefined) events.set(key, event);
      return { cupsid, source, sequence, outcome: mood.outcome ?? (isNew ? 'new' : 'duplicate') };
    });
    const starts = parsed.events.filter(({ detail }) => detail.kind === 'started');
    const staged = parsed.events.filter(({ detail }) => detail.kind === 'stageout');
    reply(response, {
      results,
      verdicts: starts.map(({ cupsid }) => ({ cupsid, go: true, ...mood.verdict })),
      registered: staged.map(({ cupsid, source, sequence }) => ({
        cupsid,
        source,
        sequence,
        isRegistered: mood.refusal === undefined && (mood.isRegistered ?? true),
        ...(mood.refusal === undefined ? {} : { isRefused: true, reason: mood.refusal }),
      })),
    });
  };
  const reply = (response: ServerResponse, body: unknown): void => {
    const forged = mood.forged?.(body);
    if (forged === undefined) send(response, 200, body);
    else {
      response.writeHead(forged.status, { 'content-type': forged.type, connection: 'close' });
      response.end(forged.text);
    }
  };

  const makeServer = (): ReturnType<typeof createServer> =>
    createServer((request, response) => {
      void answer(request, response);
    });
  let server = makeServer();
  const listen = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null) port = address.port;
  };
  await listen();
  return {
    url: `http://127.0.0.1:${port}`,
    mood,
    events: () => [...events.values()],
    arrivals: () => arrivals,
    requests,
    claims,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
    open: async () => {
      server = makeServer();
      await listen();
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}
