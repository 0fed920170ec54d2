import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { packageRoot } from '#util/package-root.ts';
import { runCommand } from '#util/run-command.ts';

/** What `slurp … --help` prints. */
async function helpOf(words: readonly string[]): Promise<string> {
  const { stdout } = await runCommand(join(packageRoot(), 'bin/slurp'), [...words, '--help'], {});
  return stdout;
}

/** The subcommands that a help text lists, without `help`. */
function subcommandsOf(help: string): readonly string[] {
  const [, listed = ''] = help.split('\nCommands:\n');
  return [...listed.matchAll(/^ {2}([a-z]+)/gmu)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

it('docs/commands/slurp.md names every subcommand of slurp and each of its options', async () => {
  const page = await readFile(join(packageRoot(), 'docs/commands/slurp.md'), 'utf8');
  const missing: string[] = [];
  const visit = async (words: readonly string[]): Promise<void> => {
    const help = await helpOf(words);
    const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gmu)].map(([, option = '']) => option);
    const known = options.filter((option) => option !== '--help' && option !== '--version');
    missing.push(...known.filter((option) => !page.includes(option)).map((option) => [...words, option].join(' ')));
    for (const name of subcommandsOf(help)) {
      if (!page.includes(['slurp', ...words, name].join(' '))) missing.push([...words, name].join(' '));
      await visit([...words, name]);
    }
  };
  await visit([]);
  expect(missing).toEqual([]);
}, 120_000);
