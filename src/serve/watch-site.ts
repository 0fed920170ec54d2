import { statSync } from 'node:fs';

import { startPostgres } from '#config/postgres/embedded-postgres.ts';
import { markServeRecord } from '#config/serve-record.ts';
import { serverDirectoriesOf } from '#config/site-directories.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { startRepeating } from '#util/start-repeating.ts';

import type { Log } from '#model/log.ts';

/** The inputs of {@link watchSite}: the directory and processes without which the supervisor must end. */
export interface WatchSiteOptions {
  readonly stateDirectory: string;
  /** Process id of the embedded server, where there is one. */
  readonly postgres: number | undefined;
  readonly log: Log;
}

/** A running check, once a second, that the database lives and the site's directory exists. */
export interface SiteWatch {
  stop(): Promise<void>;
  /** Fulfilled when the site's directory was taken away: there is nothing left to serve. */
  readonly isOrphaned: Promise<void>;
}

const everyMs = 1000;
const afterFailureMs = 5000;
const neverMs = 2 ** 31 - 1;

/** A process, distinguished from a later one of the same number by its start. */
interface KnownProcess {
  readonly pid: number;
  readonly start: string | undefined;
}

function readKnown(pid: number): KnownProcess {
  return { pid, start: readProcessStart(pid) };
}

function isThere({ pid, start }: KnownProcess): boolean {
  return start !== undefined && readProcessStart(pid) === start;
}

/** Starts the embedded database again when it was killed, and ends it when the whole directory of the site is gone. */
export function watchSite({ stateDirectory, postgres: first, log }: WatchSiteOptions): SiteWatch {
  const directories = serverDirectoriesOf(stateDirectory);
  const inode = statSync(stateDirectory).ino;
  let postgres = first === undefined ? undefined : readKnown(first);
  let reportOrphaned: () => void = () => undefined;
  const isOrphaned = new Promise<void>((resolve) => {
    reportOrphaned = resolve;
  });

  const look = async (): Promise<number> => {
    if (statSync(stateDirectory, { throwIfNoEntry: false })?.ino !== inode) {
      log.warn({ directory: stateDirectory }, 'the directory of the site no longer exists: ending');
      if (postgres !== undefined && isThere(postgres)) process.kill(postgres.pid, 'SIGQUIT');
      reportOrphaned();
      return neverMs;
    }
    if (postgres !== undefined && !isThere(postgres)) {
      log.warn({ pid: postgres.pid }, 'the database stopped: starting it again');
      postgres = readKnown(await startPostgres(directories, { say: (message) => log.info({}, message) }));
      log.info({ pid: postgres.pid }, 'the database is back');
    }
    await markServeRecord(stateDirectory);
    return everyMs;
  };

  const watch = startRepeating(async () => {
    try {
      return await look();
    } catch (error) {
      log.error({ error }, 'the site could not be repaired; retrying');
      return afterFailureMs;
    }
  });
  return { stop: () => watch.stop(), isOrphaned };
}
