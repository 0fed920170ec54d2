import { join } from 'node:path';

import { renderTable } from '#cli/table.ts';
import { countOf } from '#util/count-of.ts';
import { formatSize } from '#util/text/format-size.ts';

import type { PayloadUse } from '#db/status/payload/find-payload-use.ts';
import type { PayloadRow } from '#db/status/payload/find-payloads.ts';
import type { PayloadFile } from '#model/payload.ts';

/** Renders the recorded payload snapshots as a table. @param width characters in a line at most */
export function renderPayloads(rows: readonly PayloadRow[], width: number): string {
  const table = rows.map((row) => [
    row.hash.slice(0, 12),
    formatTime(row.usedAt),
    formatSize(row.sizeBytes),
    String(row.fileCount),
    String(row.submissions),
    row.prunedAt === null ? (row.openSubmissions > 0 ? 'needed' : 'kept') : 'pruned',
  ]);
  const head = ['payload', 'last used', 'size', 'files', 'submissions', 'state'];
  return renderTable({ head, rows: table }, width);
}

/** Renders a payload snapshot: what it holds, where it lies and came from, and who used it; lines, each ended by a newline. */
export function renderPayload(row: PayloadRow, files: readonly PayloadFile[], use: readonly PayloadUse[]): string {
  const place = row.prunedAt === null ? join(row.directory, row.hash) : `pruned ${formatTime(row.prunedAt)}`;
  const lines = [
    `payload ${row.hash}: ${countOf(row.fileCount, 'file')}, ${formatSize(row.sizeBytes)}`,
    `place   ${place}`,
    `made    ${formatTime(row.madeAt)}, last used ${formatTime(row.usedAt)}`,
    ...use.flatMap(renderUse),
    ...files.map(
      ({ kind, path, sha256, target }) =>
        `${kind.padEnd(9)} ${sha256.slice(0, 16).padEnd(16)} ${path}${target === undefined || target === null ? '' : ` -> ${target}`}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function renderUse(use: PayloadUse): readonly string[] {
  const { uuid, rule, count, cluster, submittedBy, reservedAt, origin, overridden } = use;
  const where = cluster === null ? '' : `, cluster ${cluster}`;
  return [
    `used by ${rule}: ${countOf(count, 'job')}${where}, ${formatTime(reservedAt)} by ${submittedBy} (${uuid})`,
    ...(origin?.checkouts ?? []).flatMap(({ repo, commit, isPublished, differences }) => [
      `  from ${repo} ${commit}${isPublished ? '' : ', not published'}${differences.length === 0 ? ', clean' : ', dirty:'}`,
      ...differences.map(({ path, what }) => `    ${what}: ${path}`),
    ]),
    ...(origin?.outside ?? []).map((path) => `  from no checkout: ${path}`),
    ...(overridden?.split('\n') ?? []).map((line) => `  --doit overrode: ${line}`),
  ];
}

function formatTime(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ');
}
