import { findSite } from '#config/find-site.ts';
import { UsageError } from '#model/errors.ts';

import type { Site } from '#model/site.ts';

/** The options by which every subcommand finds its site. */
export interface SiteOptions {
  readonly site?: string;
  readonly mode?: string;
}

/**
 * Finds the site that the options name, or the nearest one upwards.
 *
 * @throws UsageError for an unknown mode; SiteError as `findSite`
 */
export function findNamedSite({ site, mode }: SiteOptions, isNewAllowed = false): Promise<Site> {
  if (mode !== undefined && mode !== 'production' && mode !== 'testbed') {
    throw new UsageError(`Unknown mode '${mode}': expected 'production' or 'testbed'`, { code: 'usage-mode' });
  }
  return findSite({ site, mode, isNewAllowed });
}
