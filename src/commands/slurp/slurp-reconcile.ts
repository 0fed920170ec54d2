import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { findRuleNames } from '#db/status/find-rule-names.ts';
import { BatchError, UsageError } from '#model/errors.ts';
import { renderLeftProducts } from '#reports/settled/render-left-products.ts';
import { renderReconciled } from '#reports/settled/render-reconciled.ts';
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
import type { Site } from '#model/site.ts';

/** The options of `slurp reconcile`, as the option parser names them; absent: not given. */
export interface ReconcileOptions {
  /** Submissions that is unconfirmed only. */
  readonly submissions?: true;
  readonly rule?: string;
  /** Believes it even if most jobs vanished at once. */
  readonly yes?: true;
  /** Registers products that lie in their directories though no job reported them. */
  readonly register?: true;
  readonly json?: true;
}

/**
 * Does what `slurp reconcile` promises: brings submissions and attempts into agreement with the batch system, and prints
 * what that was.
 *
 * @throws UsageError for an unknown rule; BatchError `batch-unknown…` after printing, if the batch system did not answer, or was not believed
 * @see docs/reconcile.md
 */
export async function runSlurpReconcile(
  site: Site,
  options: ReconcileOptions,
  { context, say }: { readonly context: MainContext; readonly say: Say },
): Promise<void> {
  const { status, catalog } = await openMadeSite(site, { context, say, applicationName: 'slurp reconcile' });
  const log = openLog({ command: 'reconcile', mode: site.mode, directory: site.logDirectory });
  if (options.rule !== undefined) checkRule(options.rule, await findRuleNames(status));
  const backend = makeBackend(site);
  const submissions = await recover({ status, site, backend, log, say });
  const attempts =
    options.submissions === true
      ? undefined
      : await reconcileSite({
          ...{ site, status, catalog, backend, log, isMassVanishingAllowed: options.yes === true },
          ...present({ rule: options.rule }),
        });
  const report = { submissions, ...present({ attempts }) };
  const products =
    options.submissions === true ? undefined : await findProducts(options, { status, catalog, log, context });
  if (options.json === true) await writeJson(products === undefined ? report : { ...report, products });
  else {
    const left = products === undefined ? '' : renderLeftProducts(products);
    await writeOutput(`${renderReconciled(report, findOutputWidth())}${left}`);
  }
  assertComplete(report);
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

function assertComplete({ submissions, attempts }: Parameters<typeof renderReconciled>[0]): void {
  if (attempts !== undefined && attempts.disbelieved > 0) {
    throw new BatchError(`${attempts.disbelieved} of ${attempts.checked} jobs seem to have vanished at once`, {
      code: 'batch-unknown-mass',
      advice:
        'Check that the command queries the right batch system; if the jobs are really gone: slurp reconcile --yes',
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
