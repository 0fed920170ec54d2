import { userInfo } from 'node:os';

import { writeJson, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { findRefused } from '#db/status/refused/find-refused.ts';
import { resolveRefused } from '#db/status/refused/resolve-refused.ts';
import { findRefusedSpools, resolveRefusedSpools } from '#job/spool/refused-spools.ts';
import { UsageError } from '#model/errors.ts';
import { renderRefused } from '#reports/render-refused.ts';
import { countOf } from '#util/count-of.ts';

import { openMadeSite } from '../open-databases.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

/** The options of `slurp refused`; `resolve` needs cupsids beside it, or `all`. */
export interface RefusedOptions {
  readonly resolve?: true;
  readonly all?: true;
  readonly note?: string;
  readonly json?: true;
}

/**
 * Does what `slurp refused` promises: lists reports and spools that could not be taken, or resolves those of some
 * attempts: they are not counted any more, and stay where they can be found.
 *
 * @param words cupsids of attempts; none: all
 * @throws UsageError for what is not such a number, or to resolve all without `all`; DatabaseError
 * @see docs/reconcile.md
 */
export async function runSlurpRefused(
  site: Site,
  words: readonly string[],
  options: RefusedOptions,
  { context, say }: { readonly context: MainContext; readonly say: Say },
): Promise<void> {
  const cupsids = words.length === 0 ? undefined : words.map(parseAttempt);
  if (options.resolve === true && cupsids === undefined && options.all !== true) {
    throw new UsageError("'--resolve' needs the cupsids of attempts, or '--all'", { code: 'usage-refused' });
  }
  const { status } = await openMadeSite(site, { context, say, applicationName: 'slurp refused' });
  const reports = await findRefused(status, cupsids);
  const spools = (await findRefusedSpools(site.spoolDirectory)).filter(
    ({ cupsid }) => cupsids === undefined || cupsids.includes(cupsid),
  );
  if (options.resolve === true) {
    const note = `resolved by ${userInfo().username}${options.note === undefined ? '' : `: ${options.note}`}`;
    const resolved = await resolveRefused(status, { cupsids: reports.map(({ cupsid }) => cupsid) }, note);
    await resolveRefusedSpools(site.spoolDirectory, spools);
    if (options.json === true) await writeJson({ resolved, spools: spools.map(({ name }) => name) });
    else await writeOutput(`Resolved ${countOf(resolved, 'report')} and ${countOf(spools.length, 'spool')}\n`);
    return;
  }
  if (options.json === true) await writeJson({ reports, spools });
  else await writeOutput(renderRefused(reports, spools, findOutputWidth()));
}

function parseAttempt(word: string): number {
  if (/^\d{1,10}$/u.test(word)) return Number(word);
  throw new UsageError(`'${word}' is not a cupsid: expected digits`, { code: 'usage-refused' });
}
