import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { assertMadeSite } from '#config/assert-made-site.ts';
import { findSite } from '#config/find-site.ts';
import { serverDirectoriesOf } from '#config/site-directories.ts';

let home: string;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'slurp-site-')));
});

afterEach(async () => {
  await rm(home, { recursive: true });
});

it('refuses an embedded site whose database was never made, or is lost (C-C3)', async () => {
  await mkdir(join(home, '.slurp-site'), { mode: 0o700 });
  const site = await findSite({ cwd: home });
  expect(() => assertMadeSite(site)).toThrow(`The site '${site.stateDirectory}' has no database yet`);
  await mkdir(serverDirectoriesOf(site.stateDirectory).data, { recursive: true });
  expect(() => assertMadeSite(site)).not.toThrow();
});
