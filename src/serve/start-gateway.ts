import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

import { findFaults } from '#gateway/health.ts';
import { makeGateway } from '#gateway/make-gateway.ts';
import { startSpoolWatch } from '#ingest/ingest-spools.ts';
import { SiteError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { present } from '#util/present.ts';
import { waitUntil } from '#util/wait-until.ts';

import { startApplyWatch, startPartitionWatch } from './apply-watch.ts';
import { startHealthWatch } from './health-watch.ts';
import { startSignWatch } from './sign-watch.ts';

import type { KeyObject } from 'node:crypto';

import type { Database } from '#db/connect.ts';
import type { Gateway } from '#gateway/make-gateway.ts';
import type { Log } from '#model/log.ts';
import type { Site } from '#model/site.ts';

/** What {@link startGateway} needs. The databases stay the caller's. */
export interface GatewayOptions {
  readonly site: Pick<Site, 'gateway' | 'spoolDirectory'>;
  readonly status: Database;
  readonly catalog: Database;
  readonly siteKey: KeyObject;
  readonly log: Log;
  readonly version: string;
  /** Instead of the site's; 0: any free one. */
  readonly port?: number;
}

/** A gateway that accepts requests, with its address for jobs; the caller closes it. */
export interface RunningGateway {
  readonly port: number;
  /** What jobs are told: the site's `gateway.url`, else scheme, host (this machine's name for a wildcard) and port. */
  readonly url: string;
  /** Takes nothing new, finishes and writes what was received, ends the watches. */
  close(): Promise<void>;
}

const loopback = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/u;

/**
 * Starts the gateway of a site: HTTP, spools that come home, files that wait for the catalog, partitions of the events.
 * Several at once over the same databases are safe.
 *
 * @throws SiteError `gateway-insecure`, `gateway-certificate`, `gateway-port-taken`, `gateway-cannot-listen`
 * @see docs/gateway.md
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { site, status, catalog, siteKey, log, version } = options;
  const { host, tls } = site.gateway;
  if (!loopback.test(host) && tls === undefined && !site.gateway.isInsecure) {
    throw new SiteError(
      `The gateway must not listen on '${host}' without encryption: others on the network could read the jobs' tokens`,
      {
        code: 'gateway-insecure',
        advice:
          "Set 'gateway.tls' with certificate and key in the site file, or 'gateway.insecure: true' on a network that you trust",
      },
    );
  }
  const pem = tls === undefined ? undefined : await readTls(tls);
  const gateway = makeGateway({
    status,
    catalog,
    siteKey,
    log,
    version,
    spoolDirectory: site.spoolDirectory,
    ...present({ tls: pem }),
  });
  const { app, recorder, applier } = gateway;
  const port = await startListening(app, host, options.port ?? site.gateway.port);
  const watches = [
    startPartitionWatch({ status, log }),
    startSignWatch({ status, log }),
    startApplyWatch({ applier, log }),
    startSpoolWatch({ site, resources: { status, catalog, log, recorder, applier } }),
    startHealthWatch({
      ...{ status, host: hostname(), log },
      findFaults: () => findFaults({ status, version, facts: recorder.facts(), spoolDirectory: site.spoolDirectory }),
    }),
  ];
  // No client can connect to "every address": jobs get this machine's name.
  const shownHost = /^(?:0\.0\.0\.0|::)$/u.test(host) ? hostname() : host;
  const name = shownHost.includes(':') ? `[${shownHost}]` : shownHost;
  const url = site.gateway.url ?? `${tls === undefined ? 'http' : 'https'}://${name}:${port}`;
  log.info({ url, host, port }, 'the gateway answers');
  return {
    port,
    url,
    close: async () => {
      await Promise.all(watches.map((watch) => watch.stop()));
      await closeServer(gateway);
    },
  };
}

/** As long as a request may take: then the client has long given up. */
const patienceMs = 20_000;

/** Ends what is idle, finishes what was received, then cuts what never said anything: the server takes that for busy. */
async function closeServer({ app, inFlight }: Gateway): Promise<void> {
  const closed = app.close();
  await waitUntil(() => (inFlight() === 0 ? true : undefined), { timeoutMs: patienceMs });
  app.server.closeAllConnections();
  await closed;
}

async function readTls(tls: {
  readonly certificateFile: string;
  readonly keyFile: string;
}): Promise<{ certificate: string; key: string }> {
  try {
    return { certificate: await readFile(tls.certificateFile, 'utf8'), key: await readFile(tls.keyFile, 'utf8') };
  } catch (error) {
    throw new SiteError(`Cannot read the gateway's certificate '${tls.certificateFile}' or its key '${tls.keyFile}'`, {
      code: 'gateway-certificate',
      cause: error,
      advice: "Set 'gateway.tls' in the site file to files that this account can read",
    });
  }
}

async function startListening(app: ReturnType<typeof makeGateway>['app'], host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port, backlog: 1024 });
  } catch (error) {
    await app.close();
    const isTaken = codeOf(error) === 'EADDRINUSE';
    throw new SiteError(`The gateway cannot listen on '${host}' port ${port}${isTaken ? ': the port is in use' : ''}`, {
      code: isTaken ? 'gateway-port-taken' : 'gateway-cannot-listen',
      cause: error,
      advice: "Check which process uses it, or set another 'gateway.port' in the site file",
    });
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
