import { renderTable } from '#cli/table.ts';

import type { RefusedSpool } from '#job/spool/refused-spools.ts';
import type { RefusedReport } from '#model/report/verdict-fact.ts';

/** Renders reports and spools that could not be taken, and what to do about them. @param width characters in a line of a table at most */
export function renderRefused(
  reports: readonly RefusedReport[],
  spools: readonly RefusedSpool[],
  width: number,
): string {
  if (reports.length === 0 && spools.length === 0) return 'No report was refused or remarked on\n';
  const table = renderTable(
    {
      head: ['cupsid', 'product', 'report', 'refused', 'reason'],
      rows: reports.map(({ cupsid, dstfile, report, reason, isRemark, refusedAt }) => [
        ...[String(cupsid), dstfile, isRemark ? `${report} (remark)` : report],
        ...[refusedAt.toISOString().slice(0, 16).replace('T', ' '), reason],
      ]),
    },
    width,
  );
  return [
    ...(reports.length === 0 ? [] : [table]),
    ...(spools.length === 0 ? [] : [`Refused spools:\n${spools.map(({ path }) => `  ${path}\n`).join('')}`]),
    "Fix the cause and redo the job, or run 'slurp refused ATTEMPT… --resolve'\n",
  ].join('\n');
}
