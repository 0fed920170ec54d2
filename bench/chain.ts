// Measures a chain: from the registration of a file to the job of the next rule in the queue of a real HTCondor, with many
// older products in the tables. `npx tsx bench/chain.ts [older products]` brings up the pool of the tests, and removes what
// it made.
import { renderTable } from '#cli/table.ts';

import { putFigures } from './bench-server.ts';
import { chainSchema } from './chain-figures.ts';
import { runInPool } from './run-in-pool.ts';

const figures = chainSchema.parse(JSON.parse(await runInPool('chain-measure.ts', process.argv.slice(2))));
await putFigures('chain', figures);
const head = [
  'files\na second',
  'median\nms',
  'p95\nms',
  'max\nms',
  'p95 at\nthe end',
  'p95 from\nreport',
  'sub-\nmissions',
  'jobs in\nqueue',
  'CPU of\nloop',
  'of data-\nbase',
  'of gate-\nway',
];
const rows = figures.phases.map(({ cpuMs, ...phase }) => [
  ...[phase.rate, phase.medianMs, phase.p95Ms, phase.maxMs, phase.lastQuarterP95Ms, phase.fromReportP95Ms],
  ...[phase.submissions, phase.jobsInQueue, cpuMs.loop, cpuMs.database, cpuMs.gateway],
]);
process.stdout.write(renderTable({ head, rows }, 100));
process.stdout.write(
  'From the registration of a file to the confirmed submission of the next job. CPU: ms a submission.\n',
);
