import { runCommand } from '#util/run-command.ts';

/**
 * Makes a git checkout of a directory, with all that is in it in one commit.
 *
 * @throws Error with what git said
 */
export async function commitAll(directory: string): Promise<void> {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-C', directory];
  for (const words of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '.'],
    ['commit', '--quiet', '--allow-empty', '-m', 'one'],
  ]) {
    const { exitCode, stderr } = await runCommand('git', [...identity, ...words]);
    if (exitCode !== 0) throw new Error(`'git ${words.join(' ')}': ${stderr}`);
  }
}
