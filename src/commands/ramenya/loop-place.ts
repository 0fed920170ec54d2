import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { readAccountAtHost } from '#util/process/read-account-at-host.ts';

import { openMadeSite } from '../open-databases.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { TurnPlace } from '#loop/run-turn.ts';
import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

/** How long a lease lasts without being renewed: a loop that is silent for longer may lose its rules to another one. */
const leaseMs = 60_000;

/**
 * Opens what a loop works with until the command ends. Its log is shown only with `isVerbose`: the command itself prints
 * what is new.
 *
 * @throws SiteError
 */
export async function openLoopPlace(
  site: Site,
  { context, say, isVerbose }: { readonly context: MainContext; readonly say: Say; readonly isVerbose: boolean },
): Promise<Omit<TurnPlace, 'onWarning'>> {
  const databases = await openMadeSite(site, { context, say, applicationName: 'ramenya' });
  const directory = join(site.logDirectory, 'ramenya');
  return {
    loop: { uuid: randomUUID(), name: readAccountAtHost(), process: process.pid },
    ...{ site, databases, backend: makeBackend(site), leaseMs },
    workerDirectory: join(findPackageRoot(), 'dist', 'worker'),
    log: openLog({ command: 'ramenya', mode: site.mode, directory, shown: isVerbose ? 'info' : 'silent' }),
  };
}
