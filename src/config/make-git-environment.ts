/**
 * What git may still read from our environment: where it is installed, and the settings of account and machine. All
 * other variables of git go, because those of `git rev-parse --local-env-vars` select another repository, index or
 * object store than the directory that git is called for, and others change how paths are read.
 */
const kept: ReadonlySet<string> = new Set([
  'GIT_EXEC_PATH',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
]);

/**
 * Makes the environment in which git answers about the directory that it is called for, and about nothing else: ours
 * without the variables of git that say otherwise. Messages are in English, and objects are never replaced by others.
 *
 * @see git-rev-parse(1), `--local-env-vars`
 */
export function makeGitEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string | undefined>> {
  const own = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || kept.has(name));
  return { ...Object.fromEntries(own), LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_OPTIONAL_LOCKS: '0' };
}
