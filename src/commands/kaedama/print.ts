import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { makeSay } from '#cli/say.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { findSite } from '#config/find-site.ts';
import { openDatabase } from '#db/connect.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { findRefusals } from '#dispatch/find-refusals.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { reportPlan } from '#dispatch/report-plan.ts';
import { findWhy } from '#dispatch/why/why.ts';
import { writePlan } from '#dispatch/write-plan.ts';
import { prepareSelectedRule, readSelectedRule, withCursor } from '#pass/read-selected-rule.ts';
import { renderPlan, renderPlanJson } from '#reports/plan/render-plan.ts';
import { renderWhy } from '#reports/why/render-why.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import type { PlanInput } from '#dispatch/plan-rule.ts';
import type { Production } from '#model/production.ts';
import type { WhyQuestion } from '#model/report/why.ts';

import type { KaedamaRequest } from './kaedama-options.ts';
import type { Work } from './work.ts';

const say = makeSay('kaedama');

/**
 * Prints the rule's query as it would be asked (`--print-query`). Only who names the cursor wants the database; nothing is
 * started for it.
 *
 * @returns the exit code, 0
 * @throws RuleError, SiteError, DatabaseError
 */
export async function printQuery(request: KaedamaRequest): Promise<number> {
  const ready = prepareSelectedRule(await readSelectedRule(request.config, request.rule), request.options);
  const { prepared } = request.isCursorNamed
    ? await withCursor(ready, (production) => findCursorAlone(request, production))
    : ready;
  await writeOutput(`${prepared.query.finished.trimEnd()}\n`);
  return 0;
}

async function findCursorAlone(request: KaedamaRequest, production: Production): Promise<number> {
  const { site: named, config } = request;
  const site = await findSite({ site: named, cwd: request.options.submitDirectory, ruleFile: config });
  assertMadeSite(site);
  const status = openDatabase(site.roles.status, { applicationName: 'kaedama', connectAttempts: 1 });
  try {
    return await findCursor(status, production);
  } finally {
    await status.close();
  }
}

function planInputOf({ request, site, prepared, databases }: Work): PlanInput {
  const { maxJobs } = request.wish;
  return {
    ...{ prepared, databases, statementTimeoutMs: site.statementTimeoutMs, batch: site.batch },
    ...present({ maxJobs }),
  };
}

/** Prints what would be dispatched, and why the rest would not (`--plan`). @returns the exit code, 0 */
export async function printPlan(work: Work): Promise<number> {
  const { request, site, workerDirectory } = work;
  work.progress.phase('deciding');
  const plan = await planRule({ ...planInputOf(work), isSurvey: true });
  try {
    const { isForced } = request.wish;
    const refusals = await findRefusals(plan, { site, mode: site.mode, isForced, workerDirectory });
    const report = reportPlan(plan, refusals);
    for await (const piece of request.isJson ? renderPlanJson(report) : renderPlan(report)) {
      if (!(await writeOutput(piece))) break;
    }
  } finally {
    await plan.close();
  }
  return 0;
}

/** Prints what the decision about one run is, and which fact made it (`--why`). @returns the exit code, 0 */
export async function printWhy(
  work: Work,
  { run, segment, isRunChosen }: WhyQuestion & { readonly isRunChosen: boolean },
): Promise<number> {
  const { request, progress, backend } = work;
  progress.phase('deciding');
  const question = { run, ...present({ segment }) };
  const why = await findWhy({ ...planInputOf(work), backend, isRunChosen }, question);
  progress.close();
  if (request.isJson) await writeJson(why);
  else await writeOutput(renderWhy(why));
  return 0;
}

/** Writes what would be submitted into a directory, for reading (`--dump`). @returns the exit code, 0 */
export async function printDump(work: Work, directory: string): Promise<number> {
  const { request, site, backend, workerDirectory } = work;
  work.progress.phase('deciding');
  const plan = await planRule(planInputOf(work));
  try {
    const { count, descriptionFile, itemsFile, notes } = await writePlan(plan, {
      site,
      backend,
      directory,
      workerDirectory,
    });
    for (const note of notes) say(note);
    if (request.isJson) await writeJson({ rule: request.rule, count, descriptionFile, itemsFile });
    else await writeLine(`${request.rule}: ${countOf(count, 'job')} in '${descriptionFile}' and '${itemsFile}'`);
  } finally {
    await plan.close();
  }
  return 0;
}
