import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { findBadNodes, markNodeAllowed } from '#db/status/policy/bad-nodes.ts';
import { UsageError } from '#model/errors.ts';
import { renderNodes } from '#reports/loop/render-nodes.ts';

import type { Command } from 'commander';

import type { Database } from '#db/connect.ts';

import type { SiteOptions } from '../find-named-site.ts';

interface NodesOptions extends SiteOptions {
  readonly json?: true;
  readonly allow?: string;
}

/** Adds `ramenya nodes`: which nodes are bad, and that jobs may use one again. */
export function withNodesCommand(program: Command, openStatus: (options: SiteOptions) => Promise<Database>): void {
  program
    .command('nodes')
    .description('show the machines on which many jobs fail quickly, or let jobs use one again')
    .option('--allow <node>', 'let jobs use this machine again; only new failures count from now on')
    .option('--json', 'one line of JSON')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<NodesOptions>();
      const status = await openStatus(options);
      const { allow } = options;
      if (allow !== undefined && !(await markNodeAllowed(status, allow))) {
        throw new UsageError(`Machine '${allow}' is not known to be bad`, {
          code: 'usage-not-avoided',
          advice: "'ramenya nodes' lists the bad machines",
        });
      }
      const nodes = await findBadNodes(status);
      if (options.json === true) await writeJson({ nodes });
      else if (allow !== undefined) await writeLine(`New jobs may use ${allow} again`);
      else await writeOutput(nodes.length === 0 ? 'No bad machines are known\n' : renderNodes(nodes));
    });
}
