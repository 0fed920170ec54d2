import { join } from 'node:path';

import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { openProgress } from '#cli/progress.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { findSite } from '#config/find-site.ts';
import { requireMadeSite } from '#config/require-made-site.ts';
import { openDatabase } from '#db/connect.ts';
import { findCursor } from '#db/status/find-cursor.ts';
import { adoptCursor } from '#db/status/move-cursor.ts';
import { describeHeldJobs } from '#settle/held/describe-held-jobs.ts';
import { dumpPlan } from '#dispatch/dump-plan.ts';
import { describeStop } from '#settle/reconcile/describe-stop.ts';
import { clearHeldJobs, findHeldJobs, markHeldJobs } from '#settle/held/held-jobs.ts';
import { findRefusals } from '#dispatch/find-refusals.ts';
import { makePhaseClock } from '#dispatch/phase-clock.ts';
import { judgePayload } from '#dispatch/payload/judge-payload.ts';
import { pruneSnapshots } from '#dispatch/payload/snapshot/prune-snapshots.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { recover } from '#settle/recover.ts';
import { renderPlan, renderPlanJson } from '#dispatch/render-plan.ts';
import { renderWhy } from '#dispatch/why/render-why.ts';
import { prepareSelectedRule, selectRule } from '#dispatch/select-rule.ts';
import { clearSubmissionFolders } from '#dispatch/submission/submission-folder.ts';
import { findWhy } from '#dispatch/why/why.ts';
import { reconcileSite } from '#settle/reconcile-site.ts';
import { SiteError } from '#model/errors.ts';
import { checkRuleFile } from '#rules/check/check-rule.ts';
import { renderComplaint } from '#rules/check/render-complaints.ts';
import { accountName } from '#util/account-name.ts';
import { countOf } from '#util/count-of.ts';
import { explainError } from '#util/explain-error.ts';
import { packageRoot } from '#util/package-root.ts';

import { dispatchRule } from './dispatch-rule.ts';
import { openSite } from './open-site.ts';
import { describeInterruption } from './interruption.ts';
import { readKaedamaRequest } from './kaedama-options.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { CursorKey } from '#db/status/find-cursor.ts';
import type { HeldJobs } from '#settle/held/held-jobs.ts';
import type { PhaseClock } from '#dispatch/phase-clock.ts';
import type { Plan, PlanInput } from '#dispatch/plan-rule.ts';
import type { SelectedRule } from '#dispatch/select-rule.ts';
import type { WhyQuestion } from '#dispatch/why/why.ts';
import type { Log, Progress } from '#model/log.ts';
import type { RoleName, Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { DispatchTrace } from './interruption.ts';
import type { KaedamaRequest } from './kaedama-options.ts';

const say = makeSay('kaedama');

async function runKaedama(context: MainContext): Promise<number> {
  const trace: DispatchTrace = { phase: 'before', ready: 0, submitted: 0 };
  // Deciding changes nothing, and what heals at the start of a dispatch heals at the next one too.
  context.onStop({ words: () => describeInterruption(trace), mayEndNow: () => trace.phase === 'before' });
  const request = await readKaedamaRequest(context.argv, { cwd: process.cwd(), now: new Date().toISOString() });
  if (request === undefined) return 0;
  switch (request.deed.kind) {
    case 'check':
      return check(request);
    case 'print-query':
      return printQuery(request);
    case 'plan':
    case 'why':
    case 'dump':
    case 'dispatch':
      return work(request, context, trace);
  }
}

/** Exit code of a rule file with mistakes; see cli/exit-codes.ts. */
const wrongRuleExitCode = 10;

async function check(request: KaedamaRequest): Promise<number> {
  const complaints = await checkRuleFile(request.config, request.options, judgePayload);
  if (request.isJson) await writeJson(complaints);
  else for (const complaint of complaints) await writeLine(renderComplaint(complaint));
  const errors = complaints.filter(({ severity }) => severity === 'error').length;
  say(`${request.config}: ${countOf(errors, 'error')}, ${countOf(complaints.length - errors, 'warning')}`);
  return errors > 0 ? wrongRuleExitCode : 0;
}

async function printQuery(request: KaedamaRequest): Promise<number> {
  const selected = await selectRule(request.config, request.rule);
  // Only who names the cursor wants the database; nothing is started for it.
  const find = request.isCursorNamed ? (key: CursorKey) => findCursorAlone(request, key) : undefined;
  const { prepared } = await prepareSelectedRule(selected, request.options, find);
  await writeOutput(`${prepared.query.finished.trimEnd()}\n`);
  return 0;
}

async function findCursorAlone(request: KaedamaRequest, key: CursorKey): Promise<number> {
  const { site: named, config } = request;
  const site = await findSite({ site: named, cwd: request.options.submitDirectory, ruleFile: config });
  requireMadeSite(site);
  const status = openDatabase(site.roles.status, { applicationName: 'kaedama', connectAttempts: 1 });
  try {
    return await findCursor(status, key);
  } finally {
    await status.close();
  }
}

type Databases = Readonly<Record<RoleName, Database>>;

function openDatabases(site: Site): Databases {
  const open = (role: RoleName): Database => openDatabase(site.roles[role], { applicationName: 'kaedama' });
  return { daq: open('daq'), raw: open('raw'), catalog: open('catalog'), status: open('status') };
}

/** The same with the work that a rule itself asks for: `params.dump`. */
function deedOf(request: KaedamaRequest, { rule }: SelectedRule): KaedamaRequest['deed'] {
  const isDump = request.deed.kind === 'dispatch' && /^true$/iu.test(rule.params['dump'] ?? '');
  return isDump ? { kind: 'dump', directory: request.options.submitDirectory } : request.deed;
}

function openRuleLog(request: KaedamaRequest, site: Site): Log {
  const directory = request.logDirectory ?? join(site.logDirectory, 'kaedama', request.rule);
  try {
    return openLog({ command: 'kaedama', mode: site.mode, directory });
  } catch (cause) {
    throw new SiteError(`Cannot write logs into '${directory}': ${explainError(cause, directory)}`, {
      code: 'site-log-directory',
      cause,
      advice: "Name another directory: '--logdir DIRECTORY'",
    });
  }
}

/** What all that a rule is asked for works with. */
interface Work {
  readonly request: KaedamaRequest;
  readonly site: Site;
  readonly databases: Databases;
  readonly backend: BatchBackend;
  readonly log: Log;
  readonly prepared: PreparedRule;
  readonly progress: Progress;
  readonly clock: PhaseClock;
}

/** Checks the rule, starts what the site needs, and fills the rule in. What is wrong with the rule is said first. */
async function openWork(asked: KaedamaRequest, context: MainContext): Promise<Work> {
  const selected = await selectRule(asked.config, asked.rule);
  const request = { ...asked, deed: deedOf(asked, selected) };
  for (const note of request.notes) say(note);
  const site = await openSite(request, say);
  const options = { ...request.options, isTestbed: site.mode === 'testbed' || request.options.isTestbed };
  await prepareSelectedRule(selected, options);
  await ensureSite(site, { say });
  const log = openRuleLog(request, site);
  const databases = openDatabases(site);
  context.onEnd(async () => {
    for (const database of Object.values(databases)) await database.close();
  });
  const { prepared, complaints } = await prepareSelectedRule(selected, options, async (key) => {
    if (request.deed.kind === 'dispatch') await adoptCursor(databases.status, key);
    return findCursor(databases.status, key);
  });
  if (!request.isBatch) for (const complaint of complaints) say(renderComplaint(complaint));
  const progress = openProgress({ label: request.rule, unit: 'jobs' });
  context.onEnd(() => progress.close());
  return { request, site, databases, backend: makeBackend(site), log, prepared, progress, clock: makePhaseClock() };
}

/** Finishes what an earlier dispatch left, and learns what became of the rule's jobs. */
async function settle({ request, site, databases, backend, log, prepared, clock }: Work): Promise<void> {
  const { status, catalog } = databases;
  clock.begin('recover');
  await recover({ status, site, backend, log, say });
  // What is open of this rule only: a dispatch is to be quick, and a rule is told the truth about its own products.
  const { reasons, unknown, disbelieved, stops } = await reconcileSite({
    ...{ site, status, catalog, backend, log, rule: prepared.rule.name },
  });
  for (const stop of stops) say(describeStop(stop));
  if (unknown + disbelieved > 0) say(`The jobs of '${request.rule}' are not all known: ${reasons[0]?.why ?? ''}`);
  await clearSubmissionFolders(site, status);
  // What only takes up room must not keep a dispatch from its work.
  await pruneSnapshots({ store: site.payloads, status }).catch((error: unknown) => log.warn({ error }, 'not pruned'));
  clock.end();
}

async function work(asked: KaedamaRequest, context: MainContext, trace: DispatchTrace): Promise<number> {
  const opened = await openWork(asked, context);
  const { request, site, prepared, databases, progress, clock } = opened;
  const { deed } = request;
  if (deed.kind === 'dispatch') await settle(opened);
  progress.phase('deciding');
  const input: PlanInput = {
    ...{ prepared, databases, statementTimeoutMs: site.statementTimeoutMs },
    ...(request.maxJobs === undefined ? {} : { maxJobs: request.maxJobs }),
    isSurvey: deed.kind === 'plan',
    batch: site.batch,
  };
  if (deed.kind === 'why') {
    const { kind: _kind, ...question } = deed;
    return printWhy(input, question, opened);
  }
  const held = deed.kind === 'dispatch' ? await findHeld(opened) : undefined;
  clock.begin('decide');
  const plan = await planRule(input);
  clock.end();
  try {
    if (deed.kind === 'plan') return await printPlan(plan, request, site);
    if (deed.kind === 'dump') return await dump(plan, request, site, deed.directory);
    await dispatchRule({ ...opened, plan, status: databases.status, signal: context.signal, trace });
  } finally {
    await plan.close();
  }
  if (request.isClearingHeld && held !== undefined) await clearHeld(opened, held);
  return 0;
}

async function printWhy(
  input: PlanInput,
  question: WhyQuestion,
  { request, progress, backend }: Work,
): Promise<number> {
  const why = await findWhy({ ...input, backend }, question);
  progress.close();
  if (request.isJson) await writeJson(why);
  else await writeOutput(renderWhy(why));
  return 0;
}

/** Finds what `--mark-held-jobs` and `--clear-held-jobs` are about, before anything is replaced, and marks it. */
async function findHeld({ request, prepared, databases, backend, log }: Work): Promise<HeldJobs | undefined> {
  if (!request.isMarkingHeld && !request.isClearingHeld) return undefined;
  const input = { status: databases.status, backend, log };
  const held = await findHeldJobs(input, prepared);
  if (request.isMarkingHeld) {
    await markHeldJobs(input, held.jobs);
    for (const line of describeHeldJobs(request.rule, held)) say(line);
  }
  for (const reason of held.unread) say(`Not all held jobs of '${request.rule}' may be known: ${reason}`);
  return held;
}

async function clearHeld({ request, databases, backend, log }: Work, held: HeldJobs): Promise<void> {
  const cleared = await clearHeldJobs({ status: databases.status, backend, log }, held, accountName());
  say(`${countOf(cleared, 'held job')} of '${request.rule}' removed`);
}

async function dump(plan: Plan, request: KaedamaRequest, site: Site, directory: string): Promise<number> {
  const workerDirectory = join(packageRoot(), 'dist', 'worker');
  const { count, descriptionFile, itemsFile, notes } = await dumpPlan(plan, { site, directory, workerDirectory });
  for (const note of notes) say(note);
  if (request.isJson) await writeJson({ rule: request.rule, count, descriptionFile, itemsFile });
  else await writeLine(`${request.rule}: ${countOf(count, 'job')} in '${descriptionFile}' and '${itemsFile}'`);
  return 0;
}

async function printPlan(plan: Plan, request: KaedamaRequest, site: Site): Promise<number> {
  const workerDirectory = join(packageRoot(), 'dist', 'worker');
  const refusals = await findRefusals(plan, {
    ...{ site, mode: site.mode, isForced: request.isForced, workerDirectory },
  });
  for await (const piece of request.isJson ? renderPlanJson(plan, refusals) : renderPlan(plan, refusals)) {
    if (!(await writeOutput(piece))) break;
  }
  return 0;
}

void runMain('kaedama', runKaedama);
