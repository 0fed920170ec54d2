import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeLine, writeOutput } from '#cli/output.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { renderTable } from '#cli/table.ts';
import { UsageError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';

import { doFault } from '../torture/faults.ts';
import { openPlayground } from '../torture/playground.ts';
import { compareCampaign, readCampaign } from './compare-campaign.ts';
import { campaignRules, layOutCampaign } from './lay-out-campaign.ts';

import type { ChildProcess } from 'node:child_process';

import type { Fault } from '../torture/faults.ts';
import type { Playground } from '../torture/playground.ts';
import type { CampaignSize } from './lay-out-campaign.ts';

interface CampaignOptions {
  readonly runs: string;
  readonly segments: string;
  readonly batch: string;
  readonly scheddFaults?: true;
  readonly keep?: true;
}

const say = makeSay('campaign');

/** Nothing at all changing for this long is a failure. */
const stallMs = 180_000;

/** What is done to the site, and after which part of its jobs. */
const plannedFaults: readonly (readonly [number, Fault | 'loop killed'])[] = [
  [0.1, 'gateway killed'],
  [0.25, 'loop killed'],
  [0.4, 'database killed'],
  [0.5, 'schedd killed'],
  [0.6, 'gateway killed'],
];

const progressQuery = `with jobs as (
    select count(*) filter (where status in ('finished', 'failed')) as ended,
           count(*) filter (where status not in ('finished', 'failed')) as open, max(last_message) as latest
    from production_status where retired_at is null
  ), waiting as (
    -- The policy decides about a failed attempt when the batch system has confirmed its end.
    select count(*) as count from production_status p left join policy_action a on a.cupsid = p.id
    where p.retired_at is null and p.status in ('failed', 'held') and coalesce(a.action, 'retry') = 'retry'
  ), last_passes as (
    select distinct on (rule) rule, started_at, outcome, submitted from production_pass
    where runs is null and outcome <> 'elsewhere' order by rule, id desc
  )
  select jobs.ended::int, jobs.open::int, waiting.count::int as waiting, count(p.rule)::int as rules,
         count(*) filter (where p.outcome in ('dispatched', 'unchanged') and p.submitted = 0
                            and p.started_at > jobs.latest)::int as quiet
  from jobs cross join waiting left join last_passes p on true
  group by jobs.ended, jobs.open, jobs.latest, waiting.count`;

await runMain(
  'campaign',
  async (context) => {
    let exitCode = 1;
    const program = makeProgram('campaign', 'Runs a chain of rules whose jobs fail, and compares what is left')
      .option('--runs <count>', 'runs', '100')
      .option('--segments <count>', 'segments of each run', '5')
      .option('--batch <backend>', 'local or htcondor', 'local')
      .option('--schedd-faults', 'the schedd is killed, too: the pool is ours alone')
      .option('--keep', 'keep the directory')
      .action(async (options: CampaignOptions) => {
        exitCode = await runCampaign(options);
      });
    await parseProgram(program, context.argv);
    return exitCode;
  },
  { graceMs: 30_000 },
);

async function runCampaign(options: CampaignOptions): Promise<number> {
  const { batch } = options;
  if (batch !== 'local' && batch !== 'htcondor') {
    throw new UsageError(`Unknown batch system '${batch}': expected 'local' or 'htcondor'`, { code: 'usage-batch' });
  }
  const size: CampaignSize = { runs: Number(options.runs), segments: Number(options.segments) };
  const chosen = { batch, hasOwnSchedd: options.scheddFaults === true, mark: randomUUID() } as const;
  const playground = await openPlayground(chosen, layOutCampaign(chosen, size));
  const jobs = size.runs * (2 * size.segments + 1);
  say(`up to ${jobs} products of ${size.runs} runs on '${batch}'; in '${playground.directory}'`);
  let isWell = false;
  const loops: ChildProcess[] = [];
  try {
    const up = await playground.call('slurp', ['up']);
    if (up.exitCode !== 0) throw new UsageError(`'slurp up' failed: ${up.stderr}`, { code: 'usage-campaign' });
    loops.push(startLoop(playground), startLoop(playground));
    const faults = await fight(playground, loops, jobs);
    await clearHeld(playground);
    const found = await readCampaign(playground);
    const { facts, discrepancies } = compareCampaign(found, size);
    const rows = [...Object.entries(facts), ...Object.entries(faults)];
    await writeOutput(renderTable({ head: ['what happened', 'number'], rows }));
    await writeLine();
    await writeOutput(renderTable({ head: ['what must not be', 'number'], rows: Object.entries(discrepancies) }));
    isWell = Object.values(discrepancies).every((count) => count === 0);
    await writeLine();
    const line = `campaign: ${isWell ? 'all accounted for' : 'FAILED'}, ${jobs} products on ${batch}`;
    await writeLine(line);
    const closing = process.env['SLURP_CLOSING_LINES'];
    if (closing !== undefined) await appendFile(closing, `${line}\n`);
    return isWell ? 0 : 1;
  } finally {
    for (const loop of loops) await stop(loop);
    const status = await playground.call('ramenya', ['status']);
    if (!isWell) await writeOutput(status.stdout);
    await playground.call('slurp', ['down', '--wait', '10s']);
    if (batch === 'htcondor') await runCommand('condor_rm', ['-constraint', `SlurpTorture == "${playground.mark}"`]);
    if (isWell && options.keep !== true) await rm(playground.directory, { recursive: true, force: true });
    else say(`the directory stays: '${playground.directory}'`);
  }
}

/** A job that HTCondor holds after its attempt has ended is a person's to remove. */
async function clearHeld(playground: Playground): Promise<void> {
  if (playground.batch === 'local') return;
  for (const rule of campaignRules) {
    const args = ['--config', 'campaign.yaml', '--rule', rule, '--runs', '1', '999999', '--clear-held-jobs', '--doit'];
    const { exitCode, stderr } = await playground.call('kaedama', [...args, '--batch']);
    if (exitCode !== 0) throw new UsageError(`Held jobs of ${rule} remain: ${stderr}`, { code: 'usage-campaign' });
  }
}

function startLoop(playground: Playground): ChildProcess {
  const args = ['submit', 'campaign.yaml', '--runs', '1', '999999', '--loop', '--delay', '5', '--doit'];
  const [file, ...rest] = playground.argv('ramenya', args);
  return spawn(file, rest, {
    ...{ cwd: playground.directory, env: playground.environment, detached: true },
    stdio: 'ignore',
  });
}

async function stop(loop: ChildProcess): Promise<void> {
  if (loop.exitCode !== null || loop.signalCode !== null) return;
  const ended = once(loop, 'exit');
  process.kill(-(loop.pid ?? 0), 'SIGTERM');
  await ended;
}

/** Waits until no rule finds anything more to do, and does the faults on the way. */
async function fight(
  playground: Playground,
  loops: ChildProcess[],
  jobs: number,
): Promise<Readonly<Record<string, number>>> {
  const done: Record<string, number> = { 'removed by hand': 0 };
  const removed = new Set<string>();
  const faults = [...plannedFaults];
  let [seen, changedAt] = ['', performance.now()];
  for (;;) {
    await sleep(2000);
    done['removed by hand'] = (done['removed by hand'] ?? 0) + (await removeWaiting(playground, removed));
    const progress = await readProgress(playground);
    if (progress === undefined) continue;
    const [next] = faults;
    if (next !== undefined && progress.ended >= next[0] * jobs) {
      faults.shift();
      const [, fault] = next;
      say(`${progress.ended} of ${jobs}: ${fault}`);
      const isDone = fault === 'loop killed' ? killLoop(loops) : await doFault(playground, fault, 0, new Set());
      if (isDone) done[fault] = (done[fault] ?? 0) + 1;
      continue;
    }
    if (progress.isQuiet) return done;
    const now = JSON.stringify(progress);
    if (now !== seen) [seen, changedAt] = [now, performance.now()];
    if (performance.now() - changedAt > stallMs) {
      say(`nothing has changed for ${stallMs / 1000} s: ${now}`);
      return done;
    }
  }
}

/** Kills the first loop and does not start it again: the other has to take over its rules. */
function killLoop(loops: readonly ChildProcess[]): boolean {
  const pid = loops[0]?.pid;
  return pid !== undefined && process.kill(-pid, 'SIGKILL');
}

/** Jobs that wait for it are removed by hand, as an operator would: past SLURP. */
async function removeWaiting({ journal }: Playground, removed: Set<string>): Promise<number> {
  const lines = (await readFile(journal, 'utf8')).split('\n');
  const waiting = lines.flatMap((line) => /^waits \S+ (\d+)/u.exec(line)?.[1] ?? []);
  let count = 0;
  for (const cupsid of waiting) {
    if (removed.has(cupsid)) continue;
    const { exitCode } = await runCommand('condor_rm', ['-constraint', `SlurpCupsid == ${cupsid}`]);
    if (exitCode !== 0) continue;
    removed.add(cupsid);
    count += 1;
  }
  return count;
}

async function readProgress(playground: Playground) {
  const { exitCode, stdout } = await playground.call('slurp', ['db', 'sql', 'status', '--json', progressQuery]);
  // The database may just have been killed.
  if (exitCode !== 0) return undefined;
  const [row]: unknown[] = JSON.parse(stdout);
  if (typeof row !== 'object' || row === null) return undefined;
  const facts = new Map(Object.entries(row).map(([key, value]) => [key, Number(value)]));
  const ended = facts.get('ended') ?? 0;
  const isQuiet = facts.get('open') === 0 && facts.get('waiting') === 0 && facts.get('quiet') === campaignRules.length;
  return { ended, open: facts.get('open'), waiting: facts.get('waiting'), isQuiet };
}
