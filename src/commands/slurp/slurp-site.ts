import { existsSync } from 'node:fs';

import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { makeSay } from '#cli/say.ts';
import { findOutputWidth } from '#cli/table.ts';
import { ensureSite, findServing, isServedByUs } from '#config/ensure-site.ts';
import { findBatchProblem } from '#config/find-batch-problem.ts';
import { stopSite } from '#config/stop-site.ts';
import { findSiteStatus } from '#reports/find-site-status.ts';
import { renderSiteStatus } from '#reports/render-site-status.ts';
import { findStuckJobs } from '#settle/held/find-stuck-jobs.ts';

import { findNamedSite } from '../find-named-site.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Site } from '#model/site.ts';

import type { SiteOptions } from '../find-named-site.ts';

const say = makeSay('slurp');

/** `slurp up`: starts the site, and creates an empty one if there is none. */
export async function runUp(options: SiteOptions): Promise<void> {
  const site = await findNamedSite(options, true);
  await ensureSite(site, { say });
  const problem = findBatchProblem(site);
  if (problem !== undefined) say(problem);
  const serving = await findServing(site);
  if (!isServedByUs(site))
    await writeLine("The gateway of this site runs on another machine: start 'slurp serve' there");
  else await writeLine(`The site '${site.stateDirectory}' is up; its gateway is ${serving?.url ?? 'restarting'}`);
}

/** `slurp down`: stops the site. @param options `wait` is in seconds */
export async function runDown(options: SiteOptions & { readonly wait: number }): Promise<void> {
  const waitMs = options.wait * 1000;
  const site = await findNamedSite(options);
  const { wasRunning, left } = await stopSite(site, { waitMs, say });
  const rest = left === 0 ? '' : `; ${left} local jobs keep running; 'slurp up' finds them again`;
  if (wasRunning) await writeLine(`The site '${site.stateDirectory}' is down${rest}`);
  else if (existsSync(site.stateDirectory)) await writeLine(`Nothing of the site '${site.stateDirectory}' was running`);
  else
    await writeLine(`Nothing was running: site '${site.stateDirectory}' does not exist; '--site PATH' selects another`);
}

/** `slurp status` waits no longer for the batch system. */
const statusPatienceMs = 10_000;

function withPatience(site: Site, commandTimeoutMs: number): Site {
  const { batch } = site;
  return { ...site, batch: { ...batch, htcondor: { ...batch.htcondor, commandTimeoutMs } } };
}

/** `slurp status`: prints the state of the site. */
export async function runStatus(options: SiteOptions & { readonly json?: true }): Promise<void> {
  const site = await findNamedSite(options);
  const found = await findSiteStatus(site, (database) =>
    findStuckJobs({ status: database, backend: makeBackend(withPatience(site, statusPatienceMs)) }),
  );
  if (options.json === true) await writeJson(found);
  else await writeOutput(renderSiteStatus(found, findOutputWidth()));
}

/** `slurp serve`: runs the services of the site until a signal ends them. */
export async function runServe(options: SiteOptions, context: MainContext, version: string): Promise<void> {
  const site = await findNamedSite(options);
  const log = openLog({ command: 'serve', mode: site.mode, directory: site.logDirectory });
  // Listened for before the start, which takes a while: a signal that comes meanwhile ends what was started.
  const ended = new Promise<void>((resolve) => {
    context.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // Loaded here alone: no other command needs a web server.
  const { startSupervisor } = await import('#serve/start-supervisor.ts');
  const supervisor = await startSupervisor({ site, log, say, version });
  // Sent by `slurp down`, which waits and then ends us.
  process.on('SIGUSR2', () => {
    supervisor.drain().catch((error: unknown) => log.error({ error }, 'cannot drain'));
  });
  log.info({ url: supervisor.url, site: site.stateDirectory }, 'serving');
  await Promise.race([ended, supervisor.isOrphaned]);
  await supervisor.close();
  log.info({}, 'ended');
}
