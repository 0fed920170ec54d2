import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { makeSay } from '#cli/say.ts';
import { findOutputWidth } from '#cli/table.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { columnsScript } from '#db/list-columns.ts';
import { runScript } from '#db/run-script.ts';
import { makeScriptRows, renderScript, renderScriptCsv } from '#reports/render-script.ts';

import { findNamedSite } from '../find-named-site.ts';
import { migrateRoles } from './slurp-migrate.ts';

import type { RoleName } from '#model/site.ts';

import type { SiteOptions } from '../find-named-site.ts';

const say = makeSay('slurp');

interface MigrateOptions extends SiteOptions {
  readonly dryRun?: true;
  readonly json?: true;
}

/** `slurp db migrate`: updates the tables of some roles, of all that are due where none is named. */
export async function migrateSite(roles: readonly RoleName[], options: MigrateOptions): Promise<void> {
  const request = { roles, isDryRun: options.dryRun === true, isJson: options.json === true };
  await migrateRoles(await findNamedSite(options), request, say);
}

function withoutSecret(address: string): string {
  const url = new URL(address);
  url.password = '';
  url.searchParams.delete('password');
  return url.href;
}

/** `slurp db url`: prints the address of a role's database. */
export async function printUrl(role: RoleName, options: SiteOptions & { readonly secret?: true }): Promise<void> {
  const { url } = (await findNamedSite(options)).roles[role];
  await writeLine(options.secret === true ? url : withoutSecret(url));
}

interface SqlOptions extends SiteOptions {
  readonly write?: true;
  readonly json?: true;
  readonly csv?: true;
}

/** `slurp db sql`: runs statements and prints what they return. @param text absent: lists tables and columns */
export async function printSql(role: RoleName, text: string | undefined, options: SqlOptions): Promise<void> {
  const site = await findNamedSite(options);
  assertMadeSite(site);
  await ensureSite(site, { say });
  const results = await runScript(site.roles[role], text ?? columnsScript, { isWriting: options.write === true });
  if (options.json === true) await writeJson(makeScriptRows(results));
  else if (options.csv === true) await writeOutput(renderScriptCsv(results));
  else await writeOutput(renderScript(results, findOutputWidth()));
}
