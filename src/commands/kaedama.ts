import { join } from 'node:path';

import { makeBackend } from '#batch/backends.ts';
import { askToGoOn } from '#cli/ask-to-go-on.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { openProgress } from '#cli/progress.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { ensureSite, findServing } from '#config/ensure-site.ts';
import { findSite } from '#config/find-site.ts';
import { openDatabase } from '#db/connect.ts';
import { findCursor } from '#db/status/find-cursor.ts';
import { dispatchPlan } from '#dispatch/dispatch-plan.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { recover } from '#dispatch/recover.ts';
import { renderFunnel, renderPlan, renderPlanJson } from '#dispatch/render-plan.ts';
import { renderWhy } from '#dispatch/render-why.ts';
import { prepareSelectedRule, selectRule } from '#dispatch/select-rule.ts';
import { clearSubmissionFolders } from '#dispatch/submission-folder.ts';
import { findWhy } from '#dispatch/why.ts';
import { GatewayError, UsageError } from '#model/errors.ts';
import { checkRuleFile } from '#rules/check-rule.ts';
import { renderComplaint } from '#rules/render-complaints.ts';
import { packageRoot } from '#util/package-root.ts';

import { readKaedamaRequest } from './kaedama-options.ts';
import { reconcileSite } from './reconcile-site.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { CursorKey } from '#db/status/find-cursor.ts';
import type { Applied } from '#dispatch/apply-plan.ts';
import type { Plan, PlanInput } from '#dispatch/plan-rule.ts';
import type { Log } from '#model/log.ts';
import type { RoleName, Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

const say = makeSay('kaedama');

async function runKaedama(context: MainContext): Promise<number> {
  const request = await readKaedamaRequest(context.argv, { cwd: process.cwd(), now: new Date().toISOString() });
  if (request === undefined) return 0;
  switch (request.deed.kind) {
    case 'check':
      return check(request);
    case 'print-query':
      return printQuery(request);
    case 'plan':
    case 'why':
    case 'dispatch':
      return work(request, context);
  }
}

/** Exit code of a rule file with mistakes; see cli/exit-codes.ts. */
const wrongRuleExitCode = 10;

async function check(request: KaedamaRequest): Promise<number> {
  const complaints = await checkRuleFile(request.config, request.options);
  if (request.isJson) await writeJson(complaints);
  else for (const complaint of complaints) await writeLine(renderComplaint(complaint));
  const errors = complaints.filter(({ severity }) => severity === 'error').length;
  say(`${request.config}: ${errors} errors, ${complaints.length - errors} warnings`);
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
  const site = await findSite({ site: request.site, cwd: request.options.submitDirectory });
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

async function work(request: KaedamaRequest, context: MainContext): Promise<number> {
  // What is wrong with the rule is said before anything is started for it.
  const selected = await selectRule(request.config, request.rule);
  const site = await findSite({ site: request.site, cwd: request.options.submitDirectory });
  const options = { ...request.options, isTestbed: site.mode === 'testbed' };
  await prepareSelectedRule(selected, options);
  await ensureSite(site, { say });
  const directory = request.logDirectory ?? join(site.logDirectory, 'kaedama', request.rule);
  const log = openLog({ command: 'kaedama', mode: site.mode, directory });
  const databases = openDatabases(site);
  context.onEnd(async () => {
    for (const database of Object.values(databases)) await database.close();
  });
  const { prepared, complaints } = await prepareSelectedRule(selected, options, (key) =>
    findCursor(databases.status, key),
  );
  if (!request.isBatch) for (const complaint of complaints) say(renderComplaint(complaint));

  const progress = openProgress({ label: request.rule, unit: 'jobs' });
  context.onEnd(() => progress.close());
  const backend = makeBackend(site);
  if (request.deed.kind === 'dispatch') {
    await recover({ status: databases.status, site, backend, log, say });
    // What is open of this rule only: a dispatch is to be quick, and a rule is told the truth about its own products.
    const { status, catalog } = databases;
    const { reasons, unknown, disbelieved } = await reconcileSite({
      ...{ site, status, catalog, backend, log, rule: prepared.rule.name },
    });
    if (unknown + disbelieved > 0) say(`The jobs of '${request.rule}' are not all known: ${reasons[0]?.why ?? ''}`);
    await clearSubmissionFolders(site, databases.status);
  }
  progress.phase('deciding');
  const input: PlanInput = {
    ...{ prepared, databases, statementTimeoutMs: site.statementTimeoutMs },
    ...(request.maxJobs === undefined ? {} : { maxJobs: request.maxJobs }),
  };
  if (request.deed.kind === 'why') {
    const { kind: _kind, ...question } = request.deed;
    const why = await findWhy(input, question);
    progress.close();
    if (request.isJson) await writeJson(why);
    else await writeOutput(renderWhy(why));
    return 0;
  }
  const plan = await planRule(input);
  try {
    if (request.deed.kind === 'plan') return await printPlan(plan, request);
    return await dispatch({ request, plan, prepared, site, databases, log, progress, signal: context.signal });
  } finally {
    await plan.close();
  }
}

async function printPlan(plan: Plan, request: KaedamaRequest): Promise<number> {
  for await (const piece of request.isJson ? renderPlanJson(plan) : renderPlan(plan)) {
    if (!(await writeOutput(piece))) break;
  }
  return 0;
}

interface DispatchFacts {
  readonly request: KaedamaRequest;
  readonly plan: Plan;
  readonly prepared: PreparedRule;
  readonly site: Site;
  readonly databases: Databases;
  readonly log: Log;
  readonly progress: ReturnType<typeof openProgress>;
  readonly signal: AbortSignal;
}

async function dispatch(facts: DispatchFacts): Promise<number> {
  const { request, plan, prepared, site, databases, log, progress, signal } = facts;
  const { funnel } = plan;
  for (const { message } of funnel.warnings) log.warn({ rule: request.rule }, message);
  if (!request.isBatch && !request.isJson) await writeOutput(`${renderFunnel(funnel).join('\n')}\n`);
  const applied = await dispatchPlan({
    ...{ plan, prepared, site, status: databases.status, backend: makeBackend(site), log, progress, signal },
    gatewayUrl: await findGatewayUrl(site),
    workerDirectory: join(packageRoot(), 'dist', 'worker'),
    isForced: request.isForced,
    mayGoOn: async (doubts) => {
      progress.close();
      for (const doubt of doubts) say(doubt);
      return request.isBatch || askToGoOn();
    },
  });
  progress.close();
  if (applied === undefined) {
    throw new UsageError('Not dispatched: you said no', { code: 'usage-declined', advice: "'--batch' does not ask" });
  }
  await report(request, plan, applied, log);
  return 0;
}

async function findGatewayUrl(site: Site): Promise<string> {
  const url = site.gateway.url ?? (await findServing(site))?.url;
  if (url !== undefined) return url;
  throw new GatewayError(`The site '${site.stateDirectory}' has no gateway that jobs could report to`, {
    code: 'gateway-missing',
    advice: "Start 'slurp serve' on the gateway's machine, and name it as 'gateway.url' in the site file",
  });
}

async function report(request: KaedamaRequest, plan: Plan, applied: Applied, log: Log): Promise<void> {
  const { submitted, lost, submissions } = applied;
  log.info({ rule: request.rule, runs: request.options.runs, submitted, lost, submissions }, 'dispatched');
  if (request.isJson) {
    await writeJson({ rule: request.rule, funnel: plan.funnel, ...applied });
    return;
  }
  const clusters = submissions.map(({ cluster }) => cluster).join(', ');
  const where = submitted === 0 ? '' : `, cluster ${clusters}`;
  const others = lost === 0 ? '' : `; ${lost} left to another dispatcher`;
  await writeLine(`${request.rule}: ${submitted} ${submitted === 1 ? 'job' : 'jobs'} dispatched${where}${others}`);
}

await runMain('kaedama', runKaedama);
