import { Argument, InvalidArgumentError, Option } from 'commander';

import { makeBackend } from '#batch/backends.ts';
import { askToGoOn, canAsk } from '#cli/ask-to-go-on.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeOutput } from '#cli/output.ts';
import { parseCount } from '#cli/value-parsers.ts';
import { parseDstname } from '#model/dst-name.ts';
import { SiteError, TransferError, UsageError } from '#model/errors.ts';
import { largestRun } from '#model/run-selection.ts';
import { renderRemovalPlan, renderRemoved } from '#reports/removal/render-removal.ts';
import { planRemoval } from '#settle/removal/plan-removal.ts';
import { removeProducts } from '#settle/removal/remove-products.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';
import { readAccountName } from '#util/process/read-account-name.ts';

import { openMadeSite } from '../open-databases.ts';

import type { Command } from 'commander';

import type { MainContext } from '#cli/run-main.ts';
import type { Say } from '#model/log.ts';
import type { RemovalPlan, Removed } from '#model/report/removal.ts';
import type { Site } from '#model/site.ts';

/** The options of `ramenya remove`, as the option parser names them; absent: not given. */
export interface RemoveOptions {
  readonly segment?: number;
  readonly ext: 'root' | 'prdf';
  readonly dryRun?: true;
  readonly yes?: true;
  readonly note?: string;
  readonly json?: true;
}

const examples = `
It prints what it would remove and asks. Examples:
  ramenya remove DST_CALO_run2pp_ana437_2024p007_v001 53534 --dry-run
  ramenya remove DST_CALO_run2pp_ana437_2024p007_v001 53534 --segment 12`;

/** Declares arguments and options of `ramenya remove`. */
export function withRemoveOptions(command: Command): Command {
  return command
    .addArgument(new Argument('<dstname>', 'exactly, e.g. DST_CALO_run2pp_ana437_2024p007_v001').argParser(parseName))
    .addArgument(new Argument('<run>', 'the run').argParser(parseSmallCount))
    .option('--segment <n>', 'only this segment (default: all)', parseSmallCount)
    .addOption(new Option('--ext <ext>', 'extension of the files').choices(['root', 'prdf']).default('root'))
    .option('--dry-run', 'print what would be removed, change nothing')
    .option('--yes', 'do not ask')
    .option('--note <text>', 'reason to record with it')
    .addHelpText('after', examples);
}

function parseName(text: string): string {
  const parts = parseDstname(text);
  if (parts.kind === 'dstname') return text;
  throw new InvalidArgumentError(`${parts.reason}; expected dsttype_build_tag_version, exactly`);
}

/** Runs and segments are no greater than the columns that hold them. */
function parseSmallCount(text: string): number {
  const value = parseCount(text);
  if (value <= largestRun) return value;
  throw new InvalidArgumentError(`'${text}' is too large: expected at most ${largestRun}`);
}

/** What `ramenya remove` is called with beside its options. */
export interface RemoveTools {
  readonly find: () => Promise<Site>;
  readonly context: MainContext;
  readonly say: Say;
}

/**
 * Runs `ramenya remove`: shows what belongs to the products of a run, asks, retires their attempts, and removes
 * files and rows of the catalog.
 *
 * @throws UsageError if it cannot ask; SiteError if something prevents the removal; TransferError if not all could be
 * removed; BatchError, DatabaseError
 */
export async function runRamenyaRemove(
  dstname: string,
  run: number,
  options: RemoveOptions,
  { find, context, say }: RemoveTools,
): Promise<void> {
  const site = await find();
  const { status, catalog } = await openMadeSite(site, { context, say, applicationName: 'ramenya remove' });
  const input = { status, catalog, backend: makeBackend(site) };
  const plan = await planRemoval(input, {
    dstname,
    run,
    extension: options.ext,
    ...present({ segment: options.segment }),
  });
  const isDryRun = options.dryRun === true;
  if (isDryRun || plan.products.length === 0) return printPlan(plan, options, isDryRun);
  if (options.json !== true) await writeOutput(renderRemovalPlan({ ...plan, refusals: [] }));
  assertFree(plan);
  if (!(await isWanted(plan, options))) return;
  const log = openLog({ command: 'ramenya', mode: site.mode, directory: site.logDirectory });
  const by = readAccountName();
  const reason = `removed by 'ramenya remove'${options.note === undefined ? '' : `: ${options.note}`}`;
  const removed = await removeProducts(plan.products, { status, catalog, log, by, reason, signal: context.signal });
  if (options.json === true) await writeJson({ ...plan, isDryRun, removed });
  else await writeOutput(renderRemoved(removed));
  assertRemoved(removed);
}

async function printPlan(plan: RemovalPlan, options: RemoveOptions, isDryRun: boolean): Promise<void> {
  if (options.json === true) await writeJson({ ...plan, isDryRun });
  else await writeOutput(renderRemovalPlan(plan));
}

async function isWanted(plan: RemovalPlan, { yes }: RemoveOptions): Promise<boolean> {
  if (yes === true) return true;
  if (canAsk()) return askToGoOn();
  throw new UsageError('Nothing was removed: there is no terminal to confirm on', {
    code: 'usage-remove',
    advice: `Add '--yes' to remove ${countOf(plan.products.length, 'product')}`,
  });
}

function assertFree({ refusals }: RemovalPlan): void {
  if (refusals.length === 0) return;
  throw new SiteError('Nothing was removed: not all of it can be removed', {
    code: 'removal-refused',
    complaints: refusals,
  });
}

function assertRemoved({ failures }: Removed): void {
  if (failures.length === 0) return;
  throw new TransferError('Not everything could be removed', {
    code: 'removal-incomplete',
    complaints: failures,
    advice: 'Remove the cause and call the command again: it removes what is left',
  });
}
