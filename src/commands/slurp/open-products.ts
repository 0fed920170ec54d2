import { openDatabase } from '#db/connect.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { Site } from '#model/site.ts';

/** Opens the databases that say how products are, until the command ends; `applicationName` is what others see there. */
export function openProducts(
  site: Site,
  context: MainContext,
  applicationName: string,
): { readonly status: Database; readonly catalog: Database } {
  const status = openDatabase(site.roles.status, { applicationName });
  const catalog = openDatabase(site.roles.catalog, { applicationName });
  context.onEnd(async () => {
    await status.close();
    await catalog.close();
  });
  return { status, catalog };
}
