import { hostname } from 'node:os';
import { join } from 'node:path';

import { adoptAndMigrate, findPendingWithAdoption } from '#adopt/adopt-and-migrate.ts';
import { makeBackend } from '#batch/backends.ts';
import { startLocalQueue } from '#batch/local/run-queue.ts';
import { embeddedRolesOf } from '#config/find-site.ts';
import { findSlurpProgram } from '#config/find-slurp-program.ts';
import { startPostgres, stopPostgres } from '#config/postgres/embedded-postgres.ts';
import { readSiteKey } from '#config/read-site-key.ts';
import { findOtherMachine, removeServeRecord, serveLockNameOf, writeServeRecord } from '#config/serve-record.ts';
import { serverDirectoriesOf } from '#config/site-directories.ts';
import { createStateDirectory } from '#config/state-directory.ts';
import { openDatabase } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { SiteError } from '#model/errors.ts';
import { startNotifyWatch } from '#notify/start-notify-watch.ts';
import { reconcileSite } from '#settle/reconcile-site.ts';
import { assertPresent } from '#util/assert-present.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { claimSocketLock } from '#util/process/socket-lock.ts';

import { startReconcileWatch } from './reconcile-watch.ts';
import { startGateway } from './start-gateway.ts';
import { startOnPort } from './start-on-port.ts';
import { watchSite } from './watch-site.ts';

import type { LocalQueue } from '#batch/local/run-queue.ts';
import type { SupervisorFacts } from '#config/serve-record.ts';
import type { Log, Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';
import type { SocketLock } from '#util/process/socket-lock.ts';

import type { RunningGateway } from './start-gateway.ts';

/** The inputs of {@link startSupervisor}; `version` is that of the package, for the gateway's `/health`. */
export interface SuperviseOptions {
  readonly site: Site;
  readonly log: Log;
  readonly say: Say;
  readonly version: string;
}

/** Everything of a site that runs by itself. */
export interface Supervisor {
  readonly url: string;
  /** Starts no further local jobs, and waits until none runs; reports are taken all the while. */
  drain(): Promise<void>;
  /**
   * Stops the local queue, the gateway and the embedded database, in this order. Local jobs that run go on, keep their
   * reports in their spools, and are found again at the next start. Twice does no harm.
   */
  close(): Promise<void>;
  /** Fulfilled when the site's directory was taken away: there is nothing left to serve. */
  readonly isOrphaned: Promise<void>;
}

/** What was started, to be undone in reverse order. */
type Begun = (() => Promise<void>)[];

/** The supervisor's answer to a question about it. */
interface Facts {
  phase: string;
  queue?: LocalQueue;
}

/** All of it, also where a part fails: what was to be closed behind that must not stay. @throws the first failure */
async function closeBegun(begun: Begun): Promise<void> {
  const failures: unknown[] = [];
  for (const one of begun.splice(0).toReversed()) await one().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function claimSite({ stateDirectory }: Site, facts: Facts): Promise<SocketLock> {
  const describe = (): string => {
    const { phase, queue } = facts;
    return JSON.stringify({ pid: process.pid, phase, queue: queue?.status() } satisfies SupervisorFacts);
  };
  const lock = await claimSocketLock(serveLockNameOf(stateDirectory), describe);
  const elsewhere = await findOtherMachine(stateDirectory);
  if (lock !== undefined && elsewhere === undefined) return lock;
  await lock?.release();
  const machine = elsewhere === undefined ? 'this machine' : `'${elsewhere}'`;
  throw new SiteError(`The site '${stateDirectory}' is already being served, on ${machine}`, {
    code: 'site-served',
    advice: "Run 'slurp status' there",
  });
}

async function migrateTables(site: Site, log: Log): Promise<void> {
  const sqlDirectory = join(findPackageRoot(), 'sql');
  const embedded = embeddedRolesOf(site);
  if (embedded[0] !== undefined) await createDatabase(embedded[0]);
  for (const role of embedded) {
    const { applied } = await adoptAndMigrate(role, sqlDirectory);
    if (applied.length > 0) log.info({ role: role.role, applied }, 'the tables were updated');
  }
  if (embedded.some(({ role }) => role === 'status')) return;
  const pending = await findPendingWithAdoption(site.roles.status, sqlDirectory);
  if (pending.length === 0) return;
  throw new SiteError(`The tables of 'status' are not up to date: pending migrations: ${pending.join(', ')}`, {
    code: 'site-migrations',
    advice: "Run 'slurp db migrate'",
  });
}

async function startEmbedded({ site, say }: SuperviseOptions, begun: Begun): Promise<number | undefined> {
  if (site.kind === 'external') return undefined;
  const directories = serverDirectoriesOf(site.stateDirectory);
  begun.push(() => stopPostgres(directories));
  return startPostgres(directories, { say });
}

/** A local job's own word about its end is there, or in the spool directory, when the queue says that it has ended. */
const ownWordMs = 3000;

async function startServices(options: SuperviseOptions, facts: Facts, begun: Begun): Promise<RunningGateway> {
  const { site, log, version } = options;
  const applicationName = 'slurp serve';
  const status = openDatabase(site.roles.status, { applicationName, max: 8 });
  const catalog = openDatabase(site.roles.catalog, { applicationName, max: 4 });
  begun.push(async () => {
    await Promise.all([status.close(), catalog.close()]);
  });
  const resources = { site, status, catalog, siteKey: await readSiteKey(site), log, version };
  const gateway = await startOnPort(site, (port) => startGateway({ ...resources, port }), log);
  begun.push(() => gateway.close());
  const notifying = startNotifyWatch({ site, status, log });
  begun.push(() => notifying.stop());
  if (site.batch.backend === 'local') {
    const { stateDirectory, spoolDirectory, batch } = site;
    const queue = await startLocalQueue({ stateDirectory, spoolDirectory, ...batch.local, log });
    facts.queue = queue;
    begun.push(() => queue.close());
    const watch = startReconcileWatch({
      endings: () => queue.endings(),
      reconcile: () =>
        reconcileSite({ site, status, catalog, log, backend: makeBackend(site), terms: { endGraceMs: ownWordMs } }),
      log,
    });
    begun.push(() => watch.stop());
  }
  return gateway;
}

async function recordReady({ stateDirectory }: Site, { url, port }: RunningGateway): Promise<void> {
  const { file, fileTime } = findSlurpProgram();
  await writeServeRecord(stateDirectory, {
    pid: process.pid,
    startTime: assertPresent(readProcessStart(process.pid), 'the start time of this process'),
    machine: hostname(),
    url,
    port,
    program: file,
    programTime: fileTime,
    startedAt: new Date().toISOString(),
  });
}

/**
 * Starts all that a site needs to run by itself, and watches over it: the embedded database with its tables, the
 * gateway, the local queue. There is one supervisor of a site at most.
 *
 * @throws SiteError `site-served` if there is one; others by what cannot be started. Then nothing stays running
 * @see docs/site.md
 */
export async function startSupervisor(options: SuperviseOptions): Promise<Supervisor> {
  const { site, log } = options;
  const facts: Facts = { phase: 'starting' };
  const begun: Begun = [];
  try {
    createStateDirectory(site.stateDirectory);
    const lock = await claimSite(site, facts);
    begun.push(() => lock.release());
    await removeServeRecord(site.stateDirectory);
    const postgres = await startEmbedded(options, begun);
    await migrateTables(site, log);
    const gateway = await startServices(options, facts, begun);
    begun.push(() => removeServeRecord(site.stateDirectory));
    await recordReady(site, gateway);
    const watch = watchSite({ stateDirectory: site.stateDirectory, postgres, log });
    begun.push(() => watch.stop());
    facts.phase = 'ready';
    return {
      url: gateway.url,
      isOrphaned: watch.isOrphaned,
      drain: async () => {
        facts.phase = 'draining';
        await facts.queue?.drain();
      },
      close: async () => {
        facts.phase = 'stopping';
        await closeBegun(begun);
      },
    };
  } catch (error) {
    await closeBegun(begun).catch((second: unknown) =>
      log.error({ error: second }, 'what was started could not be stopped'),
    );
    throw error;
  }
}
