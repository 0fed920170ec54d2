import { findPort, readKeptPort, writePort } from '#config/gateway-port.ts';
import { SiteError } from '#model/errors.ts';

import type { Log } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import type { RunningGateway } from './start-gateway.ts';

const attempts = 20;

function isPortTaken(error: unknown): boolean {
  return error instanceof SiteError && error.code === 'gateway-port-taken';
}

/**
 * Starts a gateway on the port that the site names; where it names none, on the one it had before, since jobs that
 * still run look for it there, or a free one, which is kept for the next time.
 *
 * @throws what `start` throws
 */
export async function startOnPort(
  site: Pick<Site, 'gateway' | 'stateDirectory'>,
  start: (port: number) => Promise<RunningGateway>,
  log: Log,
): Promise<RunningGateway> {
  if (site.gateway.port !== 0) return start(site.gateway.port);
  const kept = await readKeptPort(site.stateDirectory);
  for (let attempt = 1; ; attempt += 1) {
    const port = attempt === 1 && kept !== undefined ? kept : findPort();
    try {
      const gateway = await start(port);
      await writePort(site.stateDirectory, gateway.port);
      return gateway;
    } catch (error) {
      if (!isPortTaken(error) || attempt === attempts) throw error;
      if (port === kept) log.warn({ port }, 'the port of this site is in use: running jobs report when they end');
    }
  }
}
