import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { startLocalQueue } from '#batch/local/run-queue.ts';
import { startPostgres, stopPostgres } from '#config/embedded-postgres.ts';
import { embeddedRolesOf } from '#config/find-site.ts';
import { choosePort, keepPort, readKeptPort } from '#config/gateway-port.ts';
import { findSlurpProgram } from '#config/serve-command.ts';
import {
  findOtherMachine,
  removeServeRecord,
  serveLockName,
  touchServeRecord,
  writeServeRecord,
} from '#config/serve-record.ts';
import { serverFoldersOf } from '#config/site-folders.ts';
import { siteKey } from '#config/site-key.ts';
import { makeStateDirectory } from '#config/state-directory.ts';
import { openDatabase } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { findPendingMigrations, migrate } from '#db/migrate.ts';
import { SiteError } from '#model/errors.ts';
import { packageRoot } from '#util/package-root.ts';
import { processStart } from '#util/process-start.ts';
import { takeSocketLock } from '#util/socket-lock.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { LocalQueue } from '#batch/local/run-queue.ts';
import type { SupervisorFacts } from '#config/serve-record.ts';
import type { Log, Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import { startGateway } from './start-gateway.ts';

import type { RunningGateway } from './start-gateway.ts';

/** What {@link supervise} needs. */
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
  /** Fulfilled when the site's folder was taken away: there is nothing left to serve. */
  readonly isOrphaned: Promise<void>;
}

const watchEveryMs = 1000;

// Deeds to be undone in reverse order.
type Undo = () => Promise<void> | void;

async function makeTables(site: Site, log: Log): Promise<void> {
  const sqlDirectory = join(packageRoot(), 'sql');
  const embedded = embeddedRolesOf(site);
  if (embedded[0] !== undefined) await createDatabase(embedded[0]);
  for (const role of embedded) {
    const { applied } = await migrate(role, sqlDirectory);
    if (applied.length > 0) log.info({ role: role.role, applied }, 'the tables were brought up to date');
  }
  if (embedded.some(({ role }) => role === 'status')) return;
  const pending = await findPendingMigrations(site.roles.status, sqlDirectory);
  if (pending.length === 0) return;
  throw new SiteError(`The tables of 'status' are not up to date: ${pending.join(', ')} did not run there yet`, {
    code: 'site-migrations',
    advice: "Run 'slurp db migrate'",
  });
}

function isPortTaken(error: unknown): boolean {
  return error instanceof SiteError && error.code === 'gateway-port-taken';
}

/** Listens where it did before; jobs that still run look for the gateway there. */
async function startOnKeptPort(
  stateDirectory: string,
  start: (port: number) => Promise<RunningGateway>,
  log: Log,
): Promise<RunningGateway> {
  const kept = await readKeptPort(stateDirectory);
  for (let attempt = 1; ; attempt += 1) {
    const port = attempt === 1 && kept !== undefined ? kept : choosePort();
    try {
      const gateway = await start(port);
      await keepPort(stateDirectory, gateway.port);
      return gateway;
    } catch (error) {
      if (!isPortTaken(error) || attempt === 20) throw error;
      if (port === kept) log.warn({ port }, 'the port that this site had is taken: jobs that run report at their end');
    }
  }
}

/** Starts the embedded database again when it is killed, and notices when the whole folder is gone. */
function watchOver(options: SuperviseOptions, first: number | undefined, tellOrphaned: () => void): Undo {
  const { site, log } = options;
  const folders = serverFoldersOf(site.stateDirectory);
  const inode = statSync(site.stateDirectory).ino;
  let postgres = first;
  const look = async (): Promise<number> => {
    if (statSync(site.stateDirectory, { throwIfNoEntry: false })?.ino !== inode) {
      log.warn({ folder: site.stateDirectory }, 'the folder of the site is gone: ending');
      if (postgres !== undefined && processStart(postgres) !== undefined) process.kill(postgres, 'SIGQUIT');
      tellOrphaned();
      return 2 ** 31 - 1;
    }
    if (postgres !== undefined && processStart(postgres) === undefined) {
      log.warn({ pid: postgres }, 'the database is gone: starting it again');
      postgres = await startPostgres(folders, { say: (message) => log.info({}, message) });
      log.info({ pid: postgres }, 'the database is back');
    }
    await touchServeRecord(site.stateDirectory).catch(() => undefined);
    return watchEveryMs;
  };
  const watch = startRepeating(async () => {
    try {
      return await look();
    } catch (error) {
      log.error({ error }, 'the site could not be healed; trying again');
      return watchEveryMs * 5;
    }
  });
  return () => watch.stop();
}

/**
 * Starts all that a site needs to run by itself, and watches over it: the embedded database with its tables, the
 * gateway, the local queue. There is one supervisor of a site at most.
 *
 * @throws SiteError `site-served` if there is one; others by what can't be started. Then nothing stays running
 * @see docs/site.md
 */
export async function supervise(options: SuperviseOptions): Promise<Supervisor> {
  const { site, log } = options;
  const undos: Undo[] = [];
  const undo = async (): Promise<void> => {
    for (const one of undos.splice(0).toReversed()) await one();
  };
  try {
    return await start(options, undos, undo);
  } catch (error) {
    await undo().catch((second: unknown) => log.error({ error: second }, 'could not be undone'));
    throw error;
  }

  async function start(
    { say, version }: SuperviseOptions,
    begun: Undo[],
    end: () => Promise<void>,
  ): Promise<Supervisor> {
    makeStateDirectory(site.stateDirectory);
    const facts: { phase: SupervisorFacts['phase']; queue?: LocalQueue } = { phase: 'starting' };
    const describe = (): string =>
      JSON.stringify({ pid: process.pid, phase: facts.phase, queue: facts.queue?.status() } satisfies SupervisorFacts);
    const lock = await takeSocketLock(serveLockName(site.stateDirectory), describe);
    const elsewhere = await findOtherMachine(site.stateDirectory);
    if (lock === undefined || elsewhere !== undefined) {
      await lock?.release();
      throw new SiteError(`The site '${site.stateDirectory}' is served already, on ${elsewhere ?? 'this machine'}`, {
        code: 'site-served',
        advice: "Look with 'slurp status'",
      });
    }
    begun.push(() => lock.release());
    await removeServeRecord(site.stateDirectory);

    let postgres: number | undefined;
    if (site.kind === 'embedded') {
      const folders = serverFoldersOf(site.stateDirectory);
      postgres = await startPostgres(folders, { say });
      begun.push(() => stopPostgres(folders));
    }
    await makeTables(site, log);

    const applicationName = 'slurp serve';
    const status = openDatabase(site.roles.status, { applicationName, max: 8 });
    const catalog = openDatabase(site.roles.catalog, { applicationName, max: 4 });
    begun.push(async () => {
      await Promise.all([status.close(), catalog.close()]);
    });
    const key = await siteKey(site);
    const listen = (port: number): Promise<RunningGateway> =>
      startGateway({ site, status, catalog, siteKey: key, log, version, port });
    const gateway =
      site.gateway.port === 0
        ? await startOnKeptPort(site.stateDirectory, listen, log)
        : await listen(site.gateway.port);
    begun.push(() => gateway.close());

    if (site.batch.backend === 'local') {
      const { stateDirectory, spoolDirectory } = site;
      const queue = await startLocalQueue({ stateDirectory, spoolDirectory, slots: site.batch.local.slots, log });
      facts.queue = queue;
      begun.push(() => queue.close());
    }

    const { file, fileTime } = findSlurpProgram();
    await writeServeRecord(site.stateDirectory, {
      pid: process.pid,
      startTime: processStart(process.pid) ?? '',
      machine: hostname(),
      url: gateway.url,
      port: gateway.port,
      program: file,
      programTime: fileTime,
      startedAt: new Date().toISOString(),
    });
    begun.push(() => removeServeRecord(site.stateDirectory));
    facts.phase = 'ready';

    let tellOrphaned: () => void = () => undefined;
    const isOrphaned = new Promise<void>((resolve) => {
      tellOrphaned = resolve;
    });
    begun.push(watchOver(options, postgres, () => tellOrphaned()));
    return {
      url: gateway.url,
      isOrphaned,
      drain: async () => {
        facts.phase = 'draining';
        await facts.queue?.drain();
      },
      close: () => {
        facts.phase = 'stopping';
        return end();
      },
    };
  }
}
