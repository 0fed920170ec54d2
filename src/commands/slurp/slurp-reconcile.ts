import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { recordCheck } from '#db/status/discrepancy/claim-check.ts';
import { findRuleNames } from '#db/status/find-rule-names.ts';
import { BatchError, SiteError, UsageError } from '#model/errors.ts';
import { renderDiscrepancies } from '#reports/settled/render-discrepancies.ts';
import { renderLeftProducts } from '#reports/settled/render-left-products.ts';
import { renderReconciled } from '#reports/settled/render-reconciled.ts';
import { findDiscrepancies } from '#settle/discrepancy/find-discrepancies.ts';
import { putDiscrepancyAlarms } from '#settle/discrepancy/put-discrepancy-alarms.ts';
import { findLeftProducts } from '#settle/products/find-left-products.ts';
import { recordProducts } from '#settle/products/record-products.ts';
import { reconcileSite } from '#settle/reconcile-site.ts';
import { recover } from '#settle/recover.ts';
import { present } from '#util/present.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

import { openMadeSite } from '../open-databases.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { Log, Say } from '#model/log.ts';
import type { Discrepancies } from '#model/report/discrepancies.ts';
import type { ReconcileReport } from '#model/report/reconciled.ts';
import type { Site } from '#model/site.ts';
import type { DiscrepanciesInput } from '#settle/discrepancy/find-discrepancies.ts';

/** The options of `slurp reconcile`, as the option parser names them; absent: not given. */
export interface ReconcileOptions {
  /** Submissions that is unconfirmed only. */
  readonly submissions?: true;
  readonly rule?: string;
  /** Believes it even if most jobs vanished at once. */
  readonly yes?: true;
  /** Registers products that lie in their directories though no job reported them. */
  readonly register?: true;
  /** Changes nothing, and shows what would be done. */
  readonly reportOnly?: true;
  readonly json?: true;
}

/**
 * Does what `slurp reconcile` promises: brings submissions and attempts into agreement with the batch system, looks for
 * discrepancies of those that have ended, and prints what that was.
 *
 * @throws UsageError for an unknown rule; BatchError `batch-unknown…` after printing, if the batch system did not answer, or was not believed; SiteError where most files seem to be gone
 * @see docs/reconcile.md
 */
export async function runSlurpReconcile(
  site: Site,
  options: ReconcileOptions,
  { context, say }: { readonly context: MainContext; readonly say: Say },
): Promise<void> {
  const isReportOnly = options.reportOnly === true;
  const opening = { context, say, applicationName: 'slurp reconcile', isReadOnly: isReportOnly };
  const { status, catalog } = await openMadeSite(site, opening);
  // What is only reported is not in the log as if it had been done.
  const log = isReportOnly
    ? silentLog
    : openLog({ command: 'reconcile', mode: site.mode, directory: site.logDirectory });
  if (options.rule !== undefined) checkRule(options.rule, await findRuleNames(status));
  const backend = makeBackend(site);
  const submissions = await recover({ status, site, backend, log, say, isReportOnly });
  const attempts =
    options.submissions === true
      ? undefined
      : await reconcileSite({
          ...{ site, status, catalog, backend, log, isMassVanishingAllowed: options.yes === true },
          ...{ isReportOnly, ...present({ rule: options.rule }) },
        });
  const discrepancies =
    options.submissions === true
      ? undefined
      : await findAndReport(options, { status, catalog, backend, signal: context.signal });
  const report: ReconcileReport = {
    ...{ submissions, ...present({ attempts, discrepancies }) },
    ...(isReportOnly ? { isReportOnly } : {}),
  };
  const products =
    options.submissions === true ? undefined : await findProducts(options, { status, catalog, log, context });
  if (options.json === true) await writeJson(products === undefined ? report : { ...report, products });
  else {
    const left = products === undefined ? '' : renderLeftProducts(products);
    const width = findOutputWidth();
    const disagreeing = discrepancies === undefined ? '' : renderDiscrepancies(discrepancies, width);
    await writeOutput(`${renderReconciled(report, width)}${disagreeing}${left}`);
  }
  assertComplete(report);
}

const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Finds the discrepancies; of all rules at once, their alarms are raised and cleared. */
async function findAndReport(
  { rule, yes, reportOnly }: ReconcileOptions,
  place: Pick<DiscrepanciesInput, 'status' | 'catalog' | 'backend' | 'signal'>,
): Promise<Discrepancies> {
  const { status } = place;
  const asked = { ...place, isDiskChecked: true, isMassAllowed: yes === true, ...present({ rule }) };
  const discrepancies = await findDiscrepancies(asked);
  if (reportOnly === true || rule !== undefined) return discrepancies;
  await putDiscrepancyAlarms(status, discrepancies);
  await recordCheck(status, 'disk');
  return discrepancies;
}

/** Finds products that no job reported, and registers them if that was asked for. */
async function findProducts(
  { rule, register }: ReconcileOptions,
  open: { readonly status: Database; readonly catalog: Database; readonly log: Log; readonly context: MainContext },
): Promise<Parameters<typeof renderLeftProducts>[0]> {
  const { found, unreadable } = await findLeftProducts(open.status, rule);
  if (register !== true) return { found, unreadable };
  return { found: await recordProducts(open, found, open.context.signal), unreadable };
}

function checkRule(rule: string, known: readonly string[]): void {
  if (known.includes(rule)) return;
  const near = findNearestWord(rule, known);
  throw new UsageError(`Rule '${rule}' was never submitted here`, {
    code: 'usage-rule',
    advice: near === undefined ? "Without '--rule', all rules are reconciled" : `Did you mean '${near}'?`,
  });
}

function assertComplete({ submissions, attempts, discrepancies }: ReconcileReport): void {
  if (attempts !== undefined && attempts.disbelieved > 0) {
    throw new BatchError(`${attempts.disbelieved} of ${attempts.checked} jobs seem to have vanished at once`, {
      code: 'batch-unknown-mass',
      advice:
        'Check that the command queries the right batch system; if the jobs are really gone: slurp reconcile --yes',
    });
  }
  const mass = discrepancies?.disbelieved[0];
  if (mass !== undefined) {
    const { where, gone, looked } = mass;
    throw new SiteError(`${gone} of ${looked} files of '${where}' seem to be gone from disk at once`, {
      code: 'site-mass-of-files',
      advice: 'Check that its file system is mounted; if the files are really gone: slurp reconcile --yes',
    });
  }
  const unknown = (attempts?.unknown ?? 0) + submissions.unknown;
  if (unknown === 0) return;
  throw new BatchError('The batch system did not answer, so some states are unknown', {
    code: 'batch-no-answer',
    facts: { submissions: submissions.unknown, attempts: attempts?.unknown },
    advice: 'Nothing was changed because of that; run the command again',
  });
}
