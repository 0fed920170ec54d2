// Measures dispatches of new products to a real HTCondor, whose jobs never start: every step as kaedama itself reports it,
// beside the bare `condor_submit` of the same file and the bare insert of as many rows.
// `npx tsx bench/dispatch.ts [rounds] [jobs…]` brings up the pool of the tests, and removes what it made.
import { putFigures } from './bench-server.ts';
import { roundsSchema } from './dispatch-figures.ts';
import { summaryOf } from './dispatch-summary.ts';
import { renderTable } from './dispatch-table.ts';
import { runInPool } from './run-in-pool.ts';

async function main(args: readonly string[]): Promise<void> {
  const rounds = roundsSchema.parse(JSON.parse(await runInPool('dispatch-measure.ts', args)));
  const summary = summaryOf(rounds);
  await putFigures('dispatch', { summary, rounds });
  process.stdout.write(renderTable(summary));
}

const [rounds = '3', ...jobs] = process.argv.slice(2);
await main([rounds, ...(jobs.length === 0 ? ['1000', '10000', '100000'] : jobs)]);
