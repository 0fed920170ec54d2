import { assertMadeSite } from '#config/assert-made-site.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { openDatabase } from '#db/connect.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { Say } from '#model/log.ts';
import type { RoleName, Site } from '#model/site.ts';

/** The databases of a site by their role. */
export type Databases = Readonly<Record<RoleName, Database>>;

/**
 * Opens the databases of a site until the command ends. Those that are not used are never connected to.
 *
 * @param applicationName what the server shows of its sessions
 * @param isReadOnly the servers refuse what would change something
 */
export function openDatabases(
  site: Site,
  context: MainContext,
  applicationName: string,
  isReadOnly = false,
): Databases {
  const open = (role: RoleName): Database => openDatabase(site.roles[role], { applicationName, isReadOnly });
  const databases = { daq: open('daq'), raw: open('raw'), catalog: open('catalog'), status: open('status') };
  context.onEnd(async () => {
    for (const database of Object.values(databases)) await database.close();
  });
  return databases;
}

/**
 * Starts what a site needs that was made before, and opens its databases until the command ends.
 *
 * @throws SiteError as `assertMadeSite` and `ensureSite`
 */
export async function openMadeSite(
  site: Site,
  {
    context,
    say,
    applicationName,
    isReadOnly = false,
  }: {
    readonly context: MainContext;
    readonly say: Say;
    readonly applicationName: string;
    readonly isReadOnly?: boolean;
  },
): Promise<Databases> {
  assertMadeSite(site);
  await ensureSite(site, { say });
  return openDatabases(site, context, applicationName, isReadOnly);
}
