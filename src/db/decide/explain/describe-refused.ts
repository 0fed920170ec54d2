import { assertPresent } from '#util/assert-present.ts';

import type { RefusedReport } from '#model/report/verdict-fact.ts';

const shown = 3;

/** Reports what was refused, and what to do; empty where nothing was. */
export function describeRefused(reports: readonly RefusedReport[] | undefined): readonly string[] {
  if (reports === undefined) return [];
  const rest = reports.length - shown;
  return [
    ...reports.slice(0, shown).map(({ report, reason, isRemark, refusedAt }) => {
      const at = refusedAt.toISOString().slice(0, 19).replace('T', ' ');
      if (isRemark) return `remark on its report '${report}' at ${at} UTC: ${reason}`;
      return `its report '${report}' was refused at ${at} UTC: ${reason}`;
    }),
    ...(rest > 0 ? [`and ${rest} more: slurp refused`] : []),
    `once that is resolved: slurp refused ${assertPresent(reports[0], 'a refused report').cupsid} --resolve`,
  ];
}
