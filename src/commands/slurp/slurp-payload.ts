import { join } from 'node:path';

import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { outputWidth, renderTable } from '#cli/table.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { openDatabase } from '#db/connect.ts';
import { findPayloadFiles, findPayloadUse, findPayloadsOf } from '#db/status/payload/find-payload-use.ts';
import { findPayloads } from '#db/status/payload/find-payloads.ts';
import { printSize } from '#dispatch/payload/survey/check-size.ts';
import { pruneSnapshots } from '#dispatch/payload/snapshot/prune-snapshots.ts';
import { UsageError } from '#model/errors.ts';
import { countOf } from '#util/count-of.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { PayloadUse } from '#db/status/payload/find-payload-use.ts';
import type { PayloadRow } from '#db/status/payload/find-payloads.ts';
import type { Say } from '#model/log.ts';
import type { PayloadFile } from '#model/payload.ts';
import type { Site } from '#model/site.ts';

/** What the subcommands of `slurp payload` need. */
export interface PayloadTools {
  readonly site: Site;
  readonly context: MainContext;
  readonly say: Say;
  readonly isJson: boolean;
}

async function openStatus({ site, context, say }: PayloadTools): Promise<Database> {
  await ensureSite(site, { say });
  const status = openDatabase(site.roles.status, { applicationName: 'slurp payload' });
  context.onEnd(() => status.close());
  return status;
}

/** Prints the recorded snapshots. @throws DatabaseError */
export async function listPayloads(tools: PayloadTools): Promise<void> {
  const rows = await findPayloads(await openStatus(tools));
  if (tools.isJson) {
    await writeJson(rows);
    return;
  }
  const table = rows.map((row) => [
    row.hash.slice(0, 12),
    printTime(row.usedAt),
    printSize(row.sizeBytes),
    String(row.fileCount),
    String(row.submissions),
    row.prunedAt === null ? (row.openSubmissions > 0 ? 'needed' : 'kept') : 'pruned',
  ]);
  const head = ['payload', 'last used', 'size', 'files', 'submissions', 'state'];
  await writeOutput(renderTable({ head, rows: table }, outputWidth()));
}

/**
 * Prints what a snapshot holds and where it came from; also of one that was pruned.
 *
 * @param name a hash or its beginning, a product, the cupsid of an attempt, the uuid of a submission
 * @throws UsageError if there is none, or several; DatabaseError
 */
export async function showPayload(name: string, tools: PayloadTools): Promise<void> {
  const status = await openStatus(tools);
  const row = await findOne(status, name);
  const [files, use] = [await findPayloadFiles(status, row.hash), await findPayloadUse(status, row.hash)];
  if (tools.isJson) await writeJson({ ...row, files, use });
  else await writeOutput(`${renderPayload(row, files, use).join('\n')}\n`);
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

function renderPayload(row: PayloadRow, files: readonly PayloadFile[], use: readonly PayloadUse[]): readonly string[] {
  const place = row.prunedAt === null ? join(row.directory, row.hash) : `pruned ${printTime(row.prunedAt)}`;
  return [
    `payload ${row.hash}: ${countOf(row.fileCount, 'file')}, ${printSize(row.sizeBytes)}`,
    `place   ${place}`,
    `made    ${printTime(row.madeAt)}, last used ${printTime(row.usedAt)}`,
    ...use.flatMap(renderUse),
    ...files.map(
      ({ kind, path, sha256, target }) =>
        `${kind.padEnd(9)} ${sha256.slice(0, 16).padEnd(16)} ${path}${target === undefined || target === null ? '' : ` -> ${target}`}`,
    ),
  ];
}

function renderUse(use: PayloadUse): readonly string[] {
  const { uuid, rule, count, cluster, submittedBy, reservedAt, origin, overridden } = use;
  const where = cluster === null ? '' : `, cluster ${cluster}`;
  return [
    `used by ${rule}: ${countOf(count, 'job')}${where}, ${printTime(reservedAt)} by ${submittedBy} (${uuid})`,
    ...(origin?.checkouts ?? []).flatMap(({ repo, commit, isPublished, differences }) => [
      `  from ${repo} ${commit}${isPublished ? '' : ', not published'}${differences.length === 0 ? ', clean' : ', dirty:'}`,
      ...differences.map(({ path, what }) => `    ${what}: ${path}`),
    ]),
    ...(origin?.outside ?? []).map((path) => `  from no checkout: ${path}`),
    ...(overridden?.split('\n') ?? []).map((line) => `  --doit overrode: ${line}`),
  ];
}

/** Removes snapshots that are not needed any more, and says which. @throws DatabaseError */
export async function prunePayloads(
  request: { readonly days: number | undefined; readonly isDryRun: boolean },
  tools: PayloadTools,
): Promise<void> {
  const status = await openStatus(tools);
  const { payloads } = tools.site;
  const keepMs = request.days === undefined ? payloads.keepMs : request.days * 24 * 3600 * 1000;
  const pruned = await pruneSnapshots({ store: { ...payloads, keepMs }, status, isDryRun: request.isDryRun });
  if (tools.isJson) {
    await writeJson(pruned);
    return;
  }
  for (const hash of pruned.removed) await writeLine(hash);
  const what = `${countOf(pruned.removed.length, 'snapshot')} (${printSize(pruned.sizeBytes)})`;
  const rest = `${pruned.needed} needed, ${pruned.recent} not old enough`;
  await writeLine(`${request.isDryRun ? 'Would remove' : 'Removed'} ${what}; ${rest}`);
}

function printTime(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ');
}
