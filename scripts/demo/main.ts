import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { writeLine, writeOutput } from '#cli/output.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { openProgress } from '#cli/progress.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { renderTable } from '#cli/table.ts';
import { findSite } from '#config/find-site.ts';
import { openDatabase } from '#db/connect.ts';
import { SiteError, UsageError } from '#model/errors.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { checkConservation } from './check-conservation.ts';
import { callCommand, mustCall } from './commands.ts';
import { layOut } from './lay-out.ts';
import { makeDaq, renderFilelistInsert } from './make-daq.ts';
import { findCatalogFiles, findFailures, findProgress } from './production.ts';
import { runChain } from './run-chain.ts';

import type { MainContext } from '#cli/run-main.ts';

import type { Daq } from './make-daq.ts';
import type { RuleProgress } from './production.ts';

interface DemoOptions {
  readonly batch: string;
  readonly runs: string;
}

const firstRun = 22026;
/** The rule HIST_CALOR of demo.yaml waits for as many files of a run. */
const segments = 4;
const eventsPerFile = 100;
/** Rows in one statement: its text is an argument of a command, which may have 128 KiB. */
const rowsPerStatement = 200;

const say = makeSay('demo');

await runMain(
  'demo',
  async (context) => {
    let exitCode = 0;
    const program = makeProgram('demo', 'A whole production on this machine')
      .option('--batch <backend>', 'local or htcondor', 'local')
      .option('--runs <count>', 'how many runs the DAQ takes', '23')
      .action(async (options: DemoOptions) => {
        exitCode = await runDemo(options, context);
      });
    await parseProgram(program, context.argv);
    return exitCode;
  },
  { graceMs: 30_000 },
);

async function runDemo({ batch, runs: count }: DemoOptions, context: MainContext): Promise<number> {
  if (!/^[1-9]\d{0,3}$/u.test(count))
    throw new UsageError(`'--runs ${count}' is not a number of runs`, { code: 'usage-runs' });
  const directory = resolve(process.env['SLURP_DEMO_DIR'] ?? join(findPackageRoot(), 'demo'));
  const runs = Array.from({ length: Number(count) }, (_, index) => firstRun + index);

  say(`a DAQ takes ${runs.length} runs in '${directory}' …`);
  await layOut(directory, 'demo.yaml');
  await writeSite(directory, batch);
  const taken = await makeDaq({ directory: join(directory, 'daq'), runs, segments, eventsPerFile });
  context.onEnd(async () => {
    await callCommand(directory, 'slurp', ['down', '--wait', '20s']);
  });
  await mustCall(directory, 'slurp', ['up']);
  await putFilelist(directory, taken);
  return produce(directory, runs, taken, context);
}

/** Puts the site file there; the site itself is made by the first command that needs it. */
async function writeSite(directory: string, batch: string): Promise<void> {
  if (batch !== 'local' && batch !== 'htcondor') {
    throw new UsageError(`Unknown batch system '${batch}': expected 'local' or 'htcondor'`, { code: 'usage-batch' });
  }
  await mkdir(directory, { recursive: true });
  // The rules' own requirements name the machines of one farm.
  const anyMachine = batch === 'htcondor' ? "  htcondor:\n    commands:\n      requirements: 'true'\n" : '';
  await writeFile(
    join(directory, 'slurp.yaml'),
    `# The site of the demo; what is not said here has its default.\nbatch:\n  backend: ${batch}\n${anyMachine}`,
  );
}

async function putFilelist(directory: string, { files }: Daq): Promise<void> {
  for (let index = 0; index < files.length; index += rowsPerStatement) {
    const statement = renderFilelistInsert(files.slice(index, index + rowsPerStatement));
    await mustCall(directory, 'slurp', ['db', 'sql', 'daq', '--write', statement]);
  }
}

async function produce(directory: string, runs: readonly number[], taken: Daq, context: MainContext): Promise<number> {
  const site = await findSite({ site: directory });
  const status = openDatabase(site.roles.status, { applicationName: 'slurp demo' });
  const catalog = openDatabase(site.roles.catalog, { applicationName: 'slurp demo' });
  const expected = [runs.length * segments, runs.length * segments, runs.length];
  const total = expected.reduce((sum, jobs) => sum + jobs, 0);
  const progress = openProgress({ label: 'demo', total, unit: 'jobs', delayMs: 0 });
  try {
    const before = await findProgress(status);
    say(`${total} jobs are to be made by three rules: ramenya runs them until nothing is left …`);
    const after = await runChain({
      directory,
      runs: [runs[0] ?? firstRun, runs.at(-1) ?? firstRun],
      status,
      progress,
      onEnded: makeTeller(total),
      signal: context.signal,
    });
    progress.close();
    await writeOutput(`\n${renderProgress(after, expected)}\n`);
    const files = await findCatalogFiles(catalog);
    const wrong = [
      ...(await findFailures(status)).map(
        ({ dstfile, exitCode, message }) =>
          `'${dstfile}' failed with exit code ${exitCode ?? '?'}: ${message ?? 'no message'}`,
      ),
      ...after.flatMap(({ rule, finished }, index) =>
        finished === expected[index] ? [] : [`${rule}: ${finished} jobs finished, expected ${expected[index] ?? 0}`],
      ),
      ...(await checkConservation(files, taken)),
    ];
    await writeAdvice(directory);
    await writeLine(lastLine(before, after, files.length));
    if (wrong.length === 0) return 0;
    throw new SiteError('The production did not come out as it should', { code: 'site-demo-wrong', complaints: wrong });
  } finally {
    progress.close();
    await Promise.all([status.close(), catalog.close()]);
  }
}

/** Where there is no terminal for a bar, a line every ten seconds shows the progress. */
function makeTeller(total: number): (ended: number) => void {
  let reportedAt = performance.now();
  return (ended) => {
    if (process.stderr.isTTY || performance.now() - reportedAt < 10_000) return;
    reportedAt = performance.now();
    say(`${ended} of ${total} jobs have ended`);
  };
}

function renderProgress(rows: readonly RuleProgress[], expected: readonly number[]): string {
  return renderTable({
    head: ['rule', 'expected', 'finished', 'failed', 'events', 'time (s)'],
    rows: rows.map(({ rule, finished, failed, events, seconds }, index) => [
      rule,
      expected[index],
      finished,
      failed,
      events,
      seconds,
    ]),
  });
}

async function writeAdvice(directory: string): Promise<void> {
  const site = `--site ${directory}`;
  const runAs = process.env['SLURP_DEMO_RUN_AS'];
  const before = runAs === undefined ? '' : `${runAs} `;
  await writeOutput(
    [
      'How to look at it (each starts the database again; ./bin/slurp down stops it):',
      `  ${before}./bin/slurp status ${site}`,
      `  ${before}./bin/slurp db sql status "select dsttype, status, count(*), sum(nevents) from production_status group by 1, 2" ${site}`,
      `  ${before}./bin/slurp db sql catalog "select * from datasets limit 10" ${site}`,
      `  cd ${directory} && ${before}${join(findPackageRoot(), 'bin/kaedama')} --config demo.yaml --rule HIST_CALOR --why ${firstRun}`,
      '',
      '',
    ].join('\n'),
  );
}

function lastLine(before: readonly RuleProgress[], after: readonly RuleProgress[], files: number): string {
  const sum = (rows: readonly RuleProgress[], valueOf: (row: RuleProgress) => number): number =>
    rows.reduce((total, row) => total + valueOf(row), 0);
  const submitted = sum(after, ({ attempts }) => attempts) - sum(before, ({ attempts }) => attempts);
  const finished = sum(after, (row) => row.finished);
  const failed = sum(after, (row) => row.failed);
  const counts = `${finished} finished, ${failed} failed, ${files} files in the catalog`;
  return submitted === 0 ? `demo: nothing to do: ${counts}` : `demo: ${submitted} submitted, ${counts}`;
}
