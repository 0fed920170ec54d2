import { join } from 'node:path';

import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { openProgress } from '#cli/progress.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { adoptCursor } from '#db/status/cursor/move-cursor.ts';
import { makePhaseClock } from '#dispatch/phase-clock.ts';
import { isDumpRule, prepareSelectedRule, readSelectedRule, withCursor } from '#pass/read-selected-rule.ts';
import { runPass } from '#pass/run-pass.ts';
import { renderComplaint } from '#rules/check/render-complaints.ts';
import { settleSite } from '#settle/settle-site.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

import { checkRules } from './kaedama/check-rules.ts';
import { describeInterruption } from './kaedama/interruption.ts';
import { readKaedamaRequest } from './kaedama/kaedama-options.ts';
import { makeListener } from './kaedama/listener.ts';
import { openSite } from './kaedama/open-site.ts';
import { printDump, printPlan, printQuery, printWhy } from './kaedama/print.ts';
import { reportPass, reportSettled } from './kaedama/report.ts';
import { openDatabases } from './open-databases.ts';

import type { MainContext } from '#cli/run-main.ts';

import type { DispatchTrace } from './kaedama/interruption.ts';
import type { KaedamaRequest } from './kaedama/kaedama-options.ts';
import type { Work } from './kaedama/work.ts';

const say = makeSay('kaedama');

async function runKaedama(context: MainContext): Promise<number> {
  const trace: DispatchTrace = { phase: 'before', ready: 0, submitted: 0 };
  // Deciding changes nothing, and what heals at the start of a dispatch heals at the next one too.
  context.onStop({ words: () => describeInterruption(trace), mayEndNow: () => trace.phase === 'before' });
  const request = await readKaedamaRequest(context.argv, { cwd: process.cwd(), now: new Date().toISOString() });
  if (request === undefined) return 0;
  if (request.action.kind === 'check') return checkRules(request, say);
  if (request.action.kind === 'print-query') return printQuery(request);
  const work = await openWork(request, context);
  switch (work.request.action.kind) {
    case 'plan':
      return printPlan(work);
    case 'why':
      return printWhy(work, work.request.action);
    case 'dump':
      return printDump(work, work.request.action.directory);
    default:
      return dispatch(work, context.signal, trace);
  }
}

/** Prepares the rule, starts what the site needs, and opens it. What is wrong with the rule is said first. */
async function openWork(asked: KaedamaRequest, context: MainContext): Promise<Work> {
  const selected = await readSelectedRule(asked.config, asked.rule);
  const isDump = asked.action.kind === 'dispatch' && isDumpRule(selected);
  const action = isDump ? { kind: 'dump' as const, directory: asked.options.submitDirectory } : asked.action;
  const request = { ...asked, action };
  for (const note of request.notes) say(note);
  const site = await openSite(request, say);
  const isTestbed = site.mode === 'testbed' || request.options.isTestbed;
  const ready = prepareSelectedRule(selected, { ...request.options, isTestbed });
  await ensureSite(site, { say });
  const directory = request.logDirectory ?? join(site.logDirectory, 'kaedama', request.rule);
  const log = openLog({ command: 'kaedama', mode: site.mode, directory });
  const databases = openDatabases(site, context, 'kaedama');
  const { prepared, complaints } = await withCursor(ready, async (key) => {
    if (action.kind === 'dispatch') await adoptCursor(databases.status, key);
    return findCursor(databases.status, key);
  });
  if (!request.isBatch) for (const complaint of complaints) say(renderComplaint(complaint));
  const progress = openProgress({ label: request.rule, unit: 'jobs' });
  context.onEnd(() => progress.close());
  const workerDirectory = join(findPackageRoot(), 'dist', 'worker');
  return { request, site, databases, backend: makeBackend(site), prepared, workerDirectory, log, progress };
}

/** Settles what is open of the rule, runs it once, and prints what came of it. */
async function dispatch(work: Work, signal: AbortSignal, trace: DispatchTrace): Promise<number> {
  const { request, databases, prepared, log } = work;
  const clock = makePhaseClock();
  clock.begin('recover');
  const { status, catalog } = databases;
  const settled = await settleSite({ ...work, status, catalog, rule: prepared.rule.name, say });
  clock.end();
  reportSettled(request.rule, settled, say);
  const listener = makeListener(work, trace, say);
  const outcome = await runPass({ ...work, wish: request.wish, listener, clock, signal });
  await reportPass(request, { prepared, outcome, phases: clock.times() }, { log, say });
  return 0;
}

void runMain('kaedama', runKaedama);
