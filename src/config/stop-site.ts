import { SiteError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { waitUntil } from '#util/wait-until.ts';

import { findPostgresServer, stopPostgres } from './postgres/embedded-postgres.ts';
import { askSupervisor } from './serve-record.ts';
import { serverDirectoriesOf } from './site-directories.ts';
import { wakeServers } from './wake-servers.ts';

import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

/** How long {@link stopSite} waits for running jobs, and where it reports what takes long. */
export interface StopSiteOptions {
  /** How long local jobs that run are waited for; 0: not at all. */
  readonly waitMs: number;
  readonly say: Say;
}

/** Whether anything was running, and how many local jobs still run after the stop. */
export interface StoppedSite {
  readonly wasRunning: boolean;
  /** Local jobs that still run: they go on, and the next start finds them. */
  readonly left: number;
}

const stopTimeoutMs = 60_000;

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    if (codeOf(cause) === 'ESRCH') return;
    throw new SiteError(`'slurp serve' (process ${pid}) belongs to another user`, {
      code: 'site-serve-owner',
      cause,
      advice: "Run 'slurp down' as that user",
    });
  }
}

/**
 * Stops what runs for a site by itself: no further local jobs are started, those that run are waited for up to a limit
 * (Ctrl-C leaves them as well), then the gateway and the embedded database end.
 *
 * @throws SiteError if it does not end
 */
export async function stopSite(site: Site, { waitMs, say }: StopSiteOptions): Promise<StoppedSite> {
  await wakeServers(site, say);
  const supervisor = await askSupervisor(site.stateDirectory);
  const directories = serverDirectoriesOf(site.stateDirectory);
  if (supervisor === undefined) {
    // A killed supervisor leaves the database behind.
    const wasRunning = site.kind === 'embedded' && (await findPostgresServer(directories)) !== undefined;
    if (wasRunning) await stopPostgres(directories);
    return { wasRunning, left: 0 };
  }
  const { pid } = supervisor;
  const runningJobs = async (): Promise<number> => (await askSupervisor(site.stateDirectory))?.queue?.running ?? 0;
  if (waitMs > 0 && (await runningJobs()) > 0) {
    sendSignal(pid, 'SIGUSR2');
    say(`Waiting for ${await runningJobs()} running jobs, at most ${Math.round(waitMs / 1000)} s …`);
    await waitUntil(async () => ((await runningJobs()) === 0 ? true : undefined), { timeoutMs: waitMs, everyMs: 200 });
  }
  const left = await runningJobs();
  sendSignal(pid, 'SIGTERM');
  const isGone = await waitUntil(() => (readProcessStart(pid) === undefined ? true : undefined), {
    timeoutMs: stopTimeoutMs,
  });
  if (isGone === undefined) {
    throw new SiteError(`'slurp serve' (process ${pid}) did not end`, {
      code: 'site-stop',
      advice: `Read '${site.logDirectory}'; 'kill -9 ${pid}' is safe: the next command repairs the site`,
    });
  }
  return { wasRunning: true, left };
}
