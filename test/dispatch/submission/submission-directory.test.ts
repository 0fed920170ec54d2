import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { findSite } from '#config/find-site.ts';
import { createSubmissionDirectory } from '#dispatch/submission/submission-directory.ts';

import type { Site } from '#model/site.ts';

const uuid = 'a5a58b7e-0000-4000-8000-000000000001';

let home: string;
let site: Site;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'slurp-folder-'));
  site = await findSite({ cwd: home, env: {}, isNewAllowed: true });
  await mkdir(site.stateDirectory, { mode: 0o700 });
});
afterAll(() => rm(home, { recursive: true }));

test('keeps tokens from others, and refuses a directory of tokens that has been opened to others', async () => {
  const directory = await createSubmissionDirectory(site, uuid, 'http://127.0.0.1:1');
  const above = join(site.stateDirectory, 'submissions');
  expect((await stat(above)).mode & 0o777).toBe(0o700);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, 'slurp-token'))).mode & 0o777).toBe(0o600);

  await chmod(above, 0o755);
  const other = uuid.replace('1', '2');
  await expect(createSubmissionDirectory(site, other, 'http://127.0.0.1:1')).rejects.toMatchObject({
    code: 'site-token-directory',
    message: `The directory of the jobs' tokens, '${above}', is accessible to other users: expected mode 0700`,
    advice: `Run: chmod 700 '${above}'; nothing was submitted`,
  });
  expect(await readdir(above)).toEqual([uuid]);
});
