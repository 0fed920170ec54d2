import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { openDatabase } from '#db/connect.ts';
import { roleNames } from '#model/site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { renderSchemas } from '../../scripts/house/render-schema.ts';
import { testDatabase } from './test-database.ts';

it("the dump of the schema is what the migrations create ('make generate' updates it)", async () => {
  const given = await testDatabase();
  const databases = roleNames.map((role) => openDatabase(given.roles[role], { applicationName: 'dump test', max: 1 }));
  const made = await renderSchemas(databases);
  for (const database of databases) await database.close();
  await given.close();
  expect(readFileSync(join(findPackageRoot(), 'sql/schema.sql'), 'utf8')).toBe(made);
});
