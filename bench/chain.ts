// Measures a chain: from the registration of a file to the job of the next rule in the queue of a real HTCondor, with many
// older products in the tables. `npx tsx bench/chain.ts [older products]` brings up the pool of the tests, and removes what
// it made.
import { renderTable } from '#cli/table.ts';

import { putFigures } from './bench-server.ts';
import { chainSchema } from './chain-figures.ts';
import { runInPool } from './run-in-pool.ts';

const figures = chainSchema.parse(JSON.parse(await runInPool('chain-measure.ts', process.argv.slice(2))));
await putFigures('chain', figures);
process.stdout.write(
  renderTable(
    {
      head: [
        'registrations/s',
        'products',
        'median ms',
        'p95 ms',
        'max ms',
        'p95 at the end',
        'submissions',
        'in queue',
      ],
      rows: figures.phases.map((phase) => [
        ...[phase.rate, phase.products, phase.medianMs, phase.p95Ms, phase.maxMs, phase.lastQuarterP95Ms],
        ...[phase.submissions, phase.jobsInQueue],
      ]),
    },
    100,
  ),
);
