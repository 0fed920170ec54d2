import { expect, test } from 'vitest';

import { makeBackend } from '#batch/backends.ts';
import { roleNames } from '#model/site.ts';

import { makeTestSite } from '../dispatch/dispatch-world.ts';

import type { Role, RoleName } from '#model/site.ts';

const role = (name: RoleName): Role => ({ role: name, url: 'postgresql:///none', schema: 'public' });
const roles = { daq: role('daq'), raw: role('raw'), catalog: role('catalog'), status: role('status') };

test('makes the batch system that the site file names', () => {
  expect(roleNames).toHaveLength(Object.keys(roles).length);
  const site = makeTestSite('/nowhere', roles);
  expect(makeBackend(site).name).toBe('local');
  expect(makeBackend({ ...site, batch: { ...site.batch, backend: 'htcondor' } }).name).toBe('htcondor');
});
