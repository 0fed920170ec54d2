import { expect, it } from 'vitest';

import { makeGitEnvironment } from '#config/make-git-environment.ts';
import { runCommand } from '#util/run-command.ts';

it('drops every variable that selects a repository, as this git lists them, and keeps settings', async () => {
  const { stdout } = await runCommand('git', ['rev-parse', '--local-env-vars']);
  const names = stdout.trim().split('\n');
  expect(names).toContain('GIT_DIR');
  const settings = { PATH: '/bin', HOME: '/home/me', GIT_CONFIG_GLOBAL: '/etc/mine', GIT_EXEC_PATH: '/opt/git' };
  const others = { GIT_CEILING_DIRECTORIES: '/', GIT_LITERAL_PATHSPECS: '1', GIT_TRACE: '1' };
  const selecting = Object.fromEntries(names.map((name) => [name, 'x']));
  expect(makeGitEnvironment({ ...settings, ...others, ...selecting })).toEqual({
    ...settings,
    ...{ LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_OPTIONAL_LOCKS: '0' },
  });
});
