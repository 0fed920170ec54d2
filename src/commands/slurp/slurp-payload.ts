import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { findPayloadFiles, findPayloadsOf, findPayloadUse } from '#db/status/payload/find-payload-use.ts';
import { findPayloads } from '#db/status/payload/find-payloads.ts';
import { removeUnusedSnapshots } from '#dispatch/payload/snapshot/remove-unused-snapshots.ts';
import { UsageError } from '#model/errors.ts';
import { renderPayload, renderPayloads } from '#reports/render-payload.ts';
import { countOf } from '#util/count-of.ts';
import { formatSize } from '#util/text/format-size.ts';

import { openMadeSite } from '../open-databases.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { PayloadRow } from '#db/status/payload/find-payloads.ts';
import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

/** What the subcommands of `slurp payload` need. */
export interface PayloadTools {
  readonly site: Site;
  readonly context: MainContext;
  readonly say: Say;
  readonly isJson: boolean;
}

async function openStatus({ site, context, say }: PayloadTools): Promise<Database> {
  const { status } = await openMadeSite(site, { context, say, applicationName: 'slurp payload' });
  return status;
}

/** Prints the recorded snapshots. @throws DatabaseError */
export async function printPayloads(tools: PayloadTools): Promise<void> {
  const rows = await findPayloads(await openStatus(tools));
  if (tools.isJson) {
    await writeJson(rows);
    return;
  }
  await writeOutput(renderPayloads(rows, findOutputWidth()));
}

/**
 * Prints what a snapshot holds and where it came from; also of one that was pruned.
 *
 * @param name a hash or its beginning, a product, the cupsid of an attempt, the uuid of a submission
 * @throws UsageError if there is none, or several; DatabaseError
 */
export async function printPayload(name: string, tools: PayloadTools): Promise<void> {
  const status = await openStatus(tools);
  const row = await findOne(status, name);
  const [files, use] = [await findPayloadFiles(status, row.hash), await findPayloadUse(status, row.hash)];
  if (tools.isJson) await writeJson({ ...row, files, use });
  else await writeOutput(renderPayload(row, files, use));
}

async function findOne(status: Database, name: string): Promise<PayloadRow> {
  const hashes = await findPayloadsOf(status, name);
  const isHash = /^[0-9a-f]{4,40}$/u.test(name);
  const found =
    hashes.length > 0 ? hashes : isHash ? (await findPayloads(status, { prefix: name })).map(({ hash }) => hash) : [];
  const [hash, other] = found;
  if (hash === undefined) {
    throw new UsageError(`No payload snapshot is recorded for '${name}'`, {
      code: 'usage-payload',
      advice: "Use a hash, a product, an attempt or a submission: 'slurp payload list' shows the hashes",
    });
  }
  if (other !== undefined && hashes.length === 0) {
    throw new UsageError(`'${name}' matches ${found.length} payload snapshots`, {
      code: 'usage-payload',
      complaints: found,
      advice: 'Give more of the hash',
    });
  }
  // Of a product, what its latest attempt staged.
  const [row] = await findPayloads(status, { hashes: [hash] });
  if (row === undefined) {
    throw new UsageError(`The payload snapshot '${hash}' is not recorded`, { code: 'usage-payload' });
  }
  return row;
}

/** Removes snapshots that are not needed any more, and says which. @throws DatabaseError */
export async function removePayloads(
  request: { readonly days: number | undefined; readonly isDryRun: boolean },
  tools: PayloadTools,
): Promise<void> {
  const status = await openStatus(tools);
  const { payloads } = tools.site;
  const keepMs = request.days === undefined ? payloads.keepMs : request.days * 24 * 3600 * 1000;
  const pruned = await removeUnusedSnapshots({ store: { ...payloads, keepMs }, status, isDryRun: request.isDryRun });
  if (tools.isJson) {
    await writeJson(pruned);
    return;
  }
  for (const hash of pruned.removed) await writeLine(hash);
  const what = `${countOf(pruned.removed.length, 'snapshot')} (${formatSize(pruned.sizeBytes)})`;
  const rest = `${pruned.needed} needed, ${pruned.recent} not old enough`;
  await writeLine(`${request.isDryRun ? 'Would remove' : 'Removed'} ${what}; ${rest}`);
}
