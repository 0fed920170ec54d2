import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startPostgres, stopPostgres } from '#config/postgres/embedded-postgres.ts';
import { embeddedUrlOf, serverDirectoriesOf } from '#config/site-directories.ts';
import { openDatabase } from '#db/connect.ts';
import { createDatabase } from '#db/create-database.ts';
import { migrate } from '#db/migrate.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { renderSchemas } from './house/render-schema.ts';

import type { Role } from '#model/site.ts';

const sqlDirectory = join(findPackageRoot(), 'sql');
const directory = await mkdtemp('/tmp/slurp-schema-');
const directories = serverDirectoriesOf(directory);
try {
  await mkdir(join(directory, 'logs'));
  await startPostgres(directories, { isDisposable: true });
  const roles = roleNames.map((role): Role => ({ role, schema: role, url: embeddedUrlOf(directory) }));
  if (roles[0] !== undefined) await createDatabase(roles[0]);
  for (const role of roles) await migrate(role, sqlDirectory);
  const databases = roles.map((role) => openDatabase(role, { applicationName: 'dump-schema', max: 1 }));
  await writeFile(join(sqlDirectory, 'schema.sql'), await renderSchemas(databases));
  for (const database of databases) await database.close();
} finally {
  await stopPostgres(directories, 'immediate');
  await rm(directory, { recursive: true, force: true });
}
