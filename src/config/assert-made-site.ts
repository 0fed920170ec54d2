import { existsSync } from 'node:fs';

import { SiteError } from '#model/errors.ts';

import { serverDirectoriesOf } from './site-directories.ts';

import type { Site } from '#model/site.ts';

/**
 * Checks that the embedded database of a site was made before. A command that made one in passing would find everything
 * empty: in the wrong directory, or where the state directory was lost.
 *
 * @throws SiteError `site-missing`
 */
export function assertMadeSite(site: Site): void {
  if (site.kind === 'external' || existsSync(serverDirectoriesOf(site.stateDirectory).data)) return;
  throw new SiteError(`The site '${site.stateDirectory}' has no database yet`, {
    code: 'site-missing',
    advice: "'slurp up' creates a new, empty one; if there was one before, find out where it went",
  });
}
