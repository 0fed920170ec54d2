import { basename } from 'node:path';

import { renderTable } from '#cli/table.ts';

import type { IngestedFile } from '#model/report/ingested.ts';

/** Renders what became of spool files as a table: new, known and refused reports. @param width characters in a line at most */
export function renderIngested(ingested: readonly IngestedFile[], width: number): string {
  const refusedOf = ({ counts, complaints }: IngestedFile): number =>
    Math.max(counts['unknown-attempt'] + counts.forbidden + counts.invalid, complaints.length);
  const sum = (of: (one: IngestedFile) => number): number => ingested.reduce((total, one) => total + of(one), 0);
  return renderTable(
    {
      head: ['spool', 'new', 'known', 'refused'],
      rows: ingested.map((one) => [basename(one.file), one.counts.new, one.counts.duplicate, refusedOf(one)]),
      total: [
        `${ingested.length} files`,
        sum(({ counts }) => counts.new),
        sum((one) => one.counts.duplicate),
        sum(refusedOf),
      ],
    },
    width,
  );
}
