import { markExclusive } from '#cli/option-constraints.ts';
import { makeProgram } from '#cli/program.ts';
import { makeSay } from '#cli/say.ts';

import { findNamedSite, withSiteOptions } from '../find-named-site.ts';
import { withLoopCommands } from './loop-commands.ts';
import { withQueryOptions } from './query-options.ts';
import { runRamenyaQuery } from './query.ts';
import { runRamenyaRemove, withRemoveOptions } from './remove.ts';

import type { Command } from 'commander';

import type { MainContext } from '#cli/run-main.ts';

import type { SiteOptions } from '../find-named-site.ts';
import type { QueryOptions } from './query.ts';
import type { RemoveOptions } from './remove.ts';

const say = makeSay('ramenya');

/** Makes the option parser of `ramenya` with the action of each subcommand. @param end sets the exit code */
export function makeRamenyaProgram(context: MainContext, end: (exitCode: number) => void): Command {
  const program = withSiteOptions(
    makeProgram('ramenya', 'Runs the rules of a production again and again, and shows what it is doing')
      .option('-v, --verbose', 'print more detail')
      .option('--html', 'print a page of HTML')
      .option('--json', 'print JSON'),
  );
  markExclusive(program, ['--html', '--json']);
  withQueryOptions(program.command('query').description('print reports about jobs; changes nothing')).action(
    async (_, command) => {
      const options: SiteOptions & QueryOptions = command.optsWithGlobals();
      await runRamenyaQuery(() => findNamedSite(options), options, { context, say });
    },
  );
  withRemoveOptions(
    program.command('remove').description('remove the products of a run: files, rows of the catalog, attempts'),
  ).action(async (dstname: string, run: number, _, command) => {
    const options: SiteOptions & RemoveOptions = command.optsWithGlobals();
    await runRamenyaRemove(dstname, run, options, { find: () => findNamedSite(options), context, say });
  });
  withLoopCommands(program, { context, say, end });
  return program;
}
