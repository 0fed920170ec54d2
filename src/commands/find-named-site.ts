import { Option } from 'commander';

import { findSite } from '#config/find-site.ts';

import type { Command } from 'commander';

import type { Site } from '#model/site.ts';

/** The options by which every subcommand finds its site. */
export interface SiteOptions {
  readonly site?: string;
  readonly mode?: Site['mode'];
}

/** Declares the options by which a site is found. */
export function withSiteOptions(command: Command): Command {
  return command
    .option('--site <path>', 'site file or directory of a site (default: $SLURP_SITE, or the nearest one upwards)')
    .addOption(
      new Option('--mode <mode>', 'default: depends on the current directory').choices(['production', 'testbed']),
    );
}

/** Finds the site that the options name, or the nearest one upwards. @throws SiteError as `findSite` */
export function findNamedSite({ site, mode }: SiteOptions, isNewAllowed = false): Promise<Site> {
  return findSite({ site, mode, isNewAllowed });
}
