import { BatchError } from '#model/errors.ts';

import { makeHtcondorBackend } from './htcondor/make-htcondor-backend.ts';
import { makeLocalBackend } from './local/make-local-backend.ts';

import type { Site } from '#model/site.ts';

import type { BatchBackend } from './backend.ts';

/** Every batch system there is, by the name that a site file gives it. */
const backends: Readonly<Partial<Record<BatchBackend['name'], (site: Site) => BatchBackend>>> = {
  htcondor: (site) => makeHtcondorBackend(site.batch.htcondor),
  local: (site) => makeLocalBackend(site.stateDirectory),
};

/**
 * Makes the batch system of a site.
 *
 * @throws BatchError if this build of SLURP has none of that name
 */
export function makeBackend(site: Site): BatchBackend {
  const make = backends[site.batch.backend];
  if (make !== undefined) return make(site);
  throw new BatchError(`This version of SLURP does not support the batch system '${site.batch.backend}'`, {
    code: 'batch-missing',
    advice: `Choose one of ${Object.keys(backends).join(', ')} as 'batch.backend' in the site file`,
  });
}
