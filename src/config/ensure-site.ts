import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';
import { startDetached } from '#util/process/start-detached.ts';
import { waitUntil } from '#util/wait-until.ts';

import { findSlurpProgram } from './find-slurp-program.ts';
import { findPostgresServer, isPostgresLeftOpen } from './postgres/embedded-postgres.ts';
import { askSupervisor, isServing, readServeRecord } from './serve-record.ts';
import { serverDirectoriesOf, stateDirectoryName } from './site-directories.ts';
import { createStateDirectory } from './state-directory.ts';
import { wakeServers } from './wake-servers.ts';

import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import type { ServeRecord } from './serve-record.ts';

const startTimeoutMs = 180_000;

/** Returns whether `slurp serve` of this site is ours to start, on this machine. */
export function isServedByUs(site: Site): boolean {
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(site.gateway.host);
  return site.kind === 'embedded' || (isLoopback && site.gateway.url === undefined);
}

async function isDatabaseUp(site: Site): Promise<boolean> {
  if (site.kind === 'external') return true;
  return (await findPostgresServer(serverDirectoriesOf(site.stateDirectory))) !== undefined;
}

/** Reports what serves the site now; undefined unless it is alive and its database takes connections. A millisecond. */
export async function findServing(site: Site): Promise<ServeRecord | undefined> {
  const record = await readServeRecord(site.stateDirectory);
  if (record === undefined || !isServing(record)) return undefined;
  return (await isDatabaseUp(site)) ? record : undefined;
}

// What was installed again since it was started should be what serves.
function isOutdated(record: ServeRecord): boolean {
  const { file, fileTime } = findSlurpProgram();
  return record.program === file && record.programTime !== fileTime;
}

async function stopOutdated(record: ServeRecord, say: Say): Promise<void> {
  say(`Restarting 'slurp serve', which an older installation had started`);
  process.kill(record.pid, 'SIGTERM');
  await waitUntil(() => (isServing(record) ? undefined : true), { timeoutMs: 30_000 });
}

function serveArgumentsOf(site: Site): readonly string[] {
  const directory = site.stateDirectory.endsWith(join(stateDirectoryName, 'testbed'))
    ? dirname(site.stateDirectory)
    : site.stateDirectory;
  return ['serve', '--site', site.file ?? directory, '--mode', site.mode];
}

function readFrom(file: string, offset: number): string {
  const handle = openSync(file, 'r');
  try {
    const length = Math.max(0, Math.min(fstatSync(handle).size - offset, 4000));
    const buffer = Buffer.alloc(length);
    readSync(handle, buffer, 0, length, offset);
    return buffer.toString('utf8').trim();
  } finally {
    closeSync(handle);
  }
}

/**
 * Makes and heals what a site needs before a command can use it: its directory, and where it is ours, `slurp serve` with
 * the embedded database, the gateway and the local queue, all ready. When all is up it takes a few milliseconds; else
 * it says in one line what it starts. Two at once are safe.
 *
 * @throws SiteError with the reason, if it does not get ready
 * @see docs/site.md
 */
export async function ensureSite(site: Site, { say }: { readonly say: Say }): Promise<void> {
  if (!isServedByUs(site)) {
    createStateDirectory(site.stateDirectory);
    return;
  }
  await wakeServers(site, say);
  const serving = await findServing(site);
  if (serving !== undefined && !isOutdated(serving)) return;
  if (serving !== undefined) await stopOutdated(serving, say);
  createStateDirectory(site.stateDirectory);
  const parts = [...(site.kind === 'embedded' ? ['database'] : []), 'gateway'];
  if (site.batch.backend === 'local') parts.push('local queue');
  say(`Starting site '${site.stateDirectory}' (${parts.join(', ')}) …`);
  await startServing(site, say);
}

/** What there is to say of a start that takes long; asked before it begins. */
function describeSlowStart(site: Site): string {
  if (site.kind === 'external') return '… still starting';
  const directories = serverDirectoriesOf(site.stateDirectory);
  if (!existsSync(directories.data)) return '… the first start creates the database, which takes some seconds more';
  if (isPostgresLeftOpen(directories)) return '… still starting: the database is recovering after a kill';
  return '… still starting the database';
}

async function startServing(site: Site, say: Say): Promise<void> {
  const log = join(site.stateDirectory, 'logs', 'serve.out');
  const begin = performance.now();
  const slowWords = describeSlowStart(site);
  let hasSaid = false;
  let offset = 0;
  let child: number | undefined;
  const ready = await waitUntil(
    async () => {
      if ((await findServing(site)) !== undefined) return 'ready';
      if (!hasSaid && performance.now() - begin > 2000) {
        hasSaid = true;
        say(slowWords);
      }
      if (child !== undefined && readProcessStart(child) !== undefined) return undefined;
      // A start by another process counts as well as ours.
      if ((await askSupervisor(site.stateDirectory)) !== undefined) return undefined;
      if (child !== undefined) return 'ended';
      const { command } = findSlurpProgram();
      offset = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
      child = await startDetached(command[0], [...command.slice(1), ...serveArgumentsOf(site)], {
        cwd: dirname(site.stateDirectory),
        logFile: log,
      });
      return undefined;
    },
    { timeoutMs: startTimeoutMs },
  );
  if (ready === 'ready') return;
  const said = ready === 'ended' ? readFrom(log, offset).replace(/^slurp: /, '') : 'it was not ready in time';
  throw new SiteError(`The site '${site.stateDirectory}' could not be started: ${said}`, {
    code: 'site-start',
    advice: `More details may be in '${join(site.stateDirectory, 'logs')}'`,
  });
}
