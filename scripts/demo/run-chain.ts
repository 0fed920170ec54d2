import { setTimeout as sleep } from 'node:timers/promises';

import { SiteError } from '#model/errors.ts';

import { callCommand } from './commands.ts';
import { demoRules, findProgress } from './production.ts';

import type { Database } from '#db/connect.ts';
import type { Progress } from '#model/log.ts';

import type { RuleProgress } from './production.ts';

/** What the demo's loop works with. */
export interface ChainOptions {
  readonly directory: string;
  /** First and last run. */
  readonly runs: readonly [number, number];
  /** How many jobs each rule has to have, in the order of the chain. */
  readonly expected: readonly number[];
  readonly status: Database;
  readonly progress: Progress;
  /** Told of the number of jobs that have ended, whenever it is looked at. */
  readonly onEnded: (ended: number) => void;
  readonly signal: AbortSignal;
}

/** So many jobs under way keep the machine busy while the next are dispatched. */
const jobsAhead = 6;

/** Nothing at all happening for this long is a failure. Jobs of the demo take about a second each. */
const stallMs = 90_000;

const sum = (rows: readonly RuleProgress[], valueOf: (row: RuleProgress) => number): number =>
  rows.reduce((total, row) => total + valueOf(row), 0);

const endedOf = (rows: readonly RuleProgress[]): number => sum(rows, ({ finished, failed }) => finished + failed);
const attemptsOf = (rows: readonly RuleProgress[]): number => sum(rows, ({ attempts }) => attempts);

/**
 * Calls kaedama for each rule of the chain, again and again, until all jobs have ended and no rule finds anything more
 * to make.
 *
 * @returns how the rules are at the end
 * @throws SiteError if kaedama fails, nothing happens any more, or the signal says so
 */
export async function runChain(options: ChainOptions): Promise<readonly RuleProgress[]> {
  const { status, progress, signal } = options;
  const stall = { ended: -1, since: performance.now() };
  const look = async (): Promise<readonly RuleProgress[]> => {
    const rows = await findProgress(status);
    const ended = endedOf(rows);
    progress.update(ended);
    options.onEnded(ended);
    if (ended !== stall.ended) Object.assign(stall, { ended, since: performance.now() });
    if (performance.now() - stall.since > stallMs) {
      throw new SiteError(`No job has ended for ${stallMs / 1000} s: ${attemptsOf(rows) - ended} are under way`, {
        code: 'site-demo-stalled',
        advice: `'slurp status --site ${options.directory}' shows what is there`,
      });
    }
    return rows;
  };
  for (;;) {
    const before = await look();
    const isIdle = attemptsOf(before) === endedOf(before);
    for (const [index, rule] of demoRules.entries()) {
      // Only when all is quiet a rule that has all its jobs is asked whether it finds another.
      if (!isIdle && (before[index]?.attempts ?? 0) >= (options.expected[index] ?? 0)) continue;
      if (signal.aborted) throw new SiteError('The demo was interrupted', { code: 'site-demo-interrupted' });
      progress.phase(rule);
      await dispatch(options, rule);
      await look();
    }
    progress.phase('');
    const after = await look();
    if (isIdle && attemptsOf(after) === attemptsOf(before)) return after;
    // The next pass when nearly all of many jobs have ended, or all of few: kaedama does not get in their way.
    const isMuch = attemptsOf(after) - endedOf(after) > jobsAhead;
    const goal = attemptsOf(after) - (isMuch ? jobsAhead : 0);
    while (endedOf(await look()) < goal && !signal.aborted) await sleep(500);
  }
}

async function dispatch({ directory, runs }: ChainOptions, rule: string): Promise<void> {
  const args = ['--config', 'demo.yaml', '--rule', rule, '--runs', String(runs[0]), String(runs[1]), '--batch'];
  const { exitCode, signal, stdout, stderr } = await callCommand(directory, 'kaedama', args);
  if (exitCode === 0) return;
  throw new SiteError(`'kaedama ${args.join(' ')}' ended with ${exitCode ?? signal ?? 'nothing'}`, {
    code: 'site-demo-command',
    complaints: `${stdout}${stderr}`.trim().split('\n'),
  });
}
