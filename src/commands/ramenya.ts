import { makeProgram, parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { queryReportNames } from '#model/report/query-report.ts';

import { findNamedSite } from './find-named-site.ts';
import { withLoopCommands } from './ramenya/loop-commands.ts';
import { runRamenyaQuery } from './ramenya/query.ts';

import type { SiteOptions } from './find-named-site.ts';
import type { QueryOptions } from './ramenya/query.ts';

const say = makeSay('ramenya');

/** Who asks a loop to stop waits for the rule under way; a second signal ends it at once. */
const longestPassMs = 3_600_000;

void runMain(
  'ramenya',
  async (context) => {
    const program = makeProgram('ramenya', 'Runs the rules of a production again and again, and shows what it is doing')
      .option('-v, --verbose', 'say more about what is done')
      .option('--html', 'print a page of HTML')
      .option('--json', 'print JSON')
      .option('--site <path>', 'site file or directory of a site (default: $SLURP_SITE, or the nearest one upwards)')
      .option('--mode <mode>', 'production or testbed (default: by the current directory)');
    program
      .command('query')
      .description('print reports about jobs; changes nothing')
      .option('--reports <name...>', `which: ${queryReportNames.join(', ')}, none (default: started)`)
      .option('--runs <run...>', 'only a run; a range A B; a list of three or more (default: all)')
      .option('--dstname <name...>', 'only these dstnames or dsttypes (default: all)')
      .option('--timestart <time>', 'only jobs submitted later than this, UTC (default: see below)')
      .option('--limit <n>', 'rows of each report at most (0: all)', '1000')
      .option('--loop', 'repeat until interrupted')
      .option('--delay <seconds>', 'seconds between two repetitions', '300')
      .addHelpText(
        'after',
        `
Without --timestart, pending and clusters show all jobs that have not ended; started, runs, failed and
everything those that were submitted in the last 7 days.`,
      )
      .action(async (_, command) => {
        const options: SiteOptions & QueryOptions = command.optsWithGlobals();
        await runRamenyaQuery(() => findNamedSite(options), options, { context, say });
      });
    let exitCode = 0;
    withLoopCommands(program, {
      ...{ context, say },
      end: (code) => {
        exitCode = code;
      },
    });
    await parseProgram(program, context.argv);
    return exitCode;
  },
  { graceMs: longestPassMs },
);
