import { join } from 'node:path';

import { adoptAndMigrate, planAdoptAndMigrate } from '#adopt/adopt-and-migrate.ts';
import { writeJson, writeOutput } from '#cli/output.ts';
import { openProgress } from '#cli/progress.ts';
import { findOutputWidth } from '#cli/table.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { embeddedRolesOf } from '#config/find-site.ts';
import { DatabaseError, SiteError } from '#model/errors.ts';
import { renderMigration } from '#reports/render-migration.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import type { Say } from '#model/log.ts';
import type { MigrationReport } from '#model/report/migration.ts';
import type { Role, RoleName, Site } from '#model/site.ts';

/** The options of `slurp db migrate`. */
export interface MigrateRequest {
  /** Empty: status and catalog, and all of an embedded site. */
  readonly roles: readonly RoleName[];
  readonly isDryRun: boolean;
  readonly isJson: boolean;
}

async function migrateShown(role: Role, sqlDirectory: string): Promise<MigrationReport> {
  const progress = openProgress({ label: `${role.role}:`, unit: 'steps' });
  let steps = 0;
  try {
    return await adoptAndMigrate(role, sqlDirectory, {
      reportPhase: (phase) => {
        progress.phase(phase);
        progress.update(steps, Math.max(10, steps));
        steps += 1;
      },
    });
  } finally {
    progress.close();
  }
}

/**
 * Brings the tables of a site up to date, or says what that would be, and writes what it was.
 *
 * @throws SiteError for roles whose tables belong to others; DatabaseError
 * @see docs/adopt.md
 */
export async function migrateRoles(site: Site, request: MigrateRequest, say: Say): Promise<void> {
  const embedded = embeddedRolesOf(site).map(({ role }) => role);
  const usual = [...new Set<RoleName>([...embedded, 'catalog', 'status'])];
  const asked = request.roles.length > 0 ? request.roles : usual;
  const foreign = asked.find((role) => (role === 'daq' || role === 'raw') && !embedded.includes(role));
  if (foreign !== undefined) {
    throw new SiteError(`The tables of '${foreign}' belong to others: SLURP creates them on an embedded site only`, {
      code: 'site-foreign-role',
      advice: "Leave it out: without roles, 'slurp db migrate' updates the tables that belong to SLURP",
    });
  }
  await checkRoles(
    site,
    asked.filter((name) => !embedded.includes(name)),
  );
  // What serves the site refuses to start before the tables are up to date: it is needed for an embedded database alone.
  if (asked.some((role) => embedded.includes(role))) {
    for (const role of asked.filter((name) => !embedded.includes(name))) await migrateOne(site, role, request);
    assertMadeSite(site);
    await ensureSite(site, { say });
    await checkRoles(
      site,
      asked.filter((name) => embedded.includes(name)),
    );
    for (const role of asked.filter((name) => embedded.includes(name))) await migrateOne(site, role, request);
    return;
  }
  for (const role of asked) await migrateOne(site, role, request);
}

/**
 * Looks what is in the way of each role before any is changed.
 *
 * @throws DatabaseError with what is in the way of all of them
 */
async function checkRoles(site: Site, names: readonly RoleName[]): Promise<void> {
  const errors: DatabaseError[] = [];
  for (const name of names) {
    try {
      await planAdoptAndMigrate(site.roles[name], join(findPackageRoot(), 'sql'));
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      errors.push(error);
    }
  }
  const [first, second] = errors;
  if (first === undefined) return;
  if (second === undefined) throw first;
  throw new DatabaseError(`The tables of ${errors.length} roles cannot be migrated; nothing was changed`, {
    code: first.code,
    cause: first,
    complaints: errors.flatMap(({ message, complaints, advice }) => [
      message,
      ...complaints.map((complaint) => `  ${complaint}`),
      ...(advice === undefined ? [] : [`  ${advice}`]),
    ]),
  });
}

async function migrateOne(site: Site, name: RoleName, { isDryRun, isJson }: MigrateRequest): Promise<void> {
  const sqlDirectory = join(findPackageRoot(), 'sql');
  const role = site.roles[name];
  const report = isDryRun ? await planAdoptAndMigrate(role, sqlDirectory) : await migrateShown(role, sqlDirectory);
  if (isJson) await writeJson({ ...report, isDryRun });
  else await writeOutput(renderMigration(report, isDryRun, findOutputWidth()));
}
