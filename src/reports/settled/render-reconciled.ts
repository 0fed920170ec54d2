import { renderTable } from '#cli/table.ts';
import { recordedKinds } from '#model/report/reconciled.ts';

import { describeStop } from './describe-stop.ts';

import type { Reconciled, ReconcileReport, Recovered } from '#model/report/reconciled.ts';

const recordedTexts: Readonly<Record<(typeof recordedKinds)[number], string>> = {
  started: 'started',
  held: 'held',
  released: 'released',
  evicted: 'evicted',
  exited: 'ended',
  removed: 'removed',
  vanished: 'vanished',
};

/**
 * Renders what was reconciled as tables, with why something is not known; in one line that there was nothing.
 *
 * @param width the widest a line of a table may be, in characters
 * @returns lines, each ended by a newline
 */
export function renderReconciled({ submissions, attempts, isReportOnly }: ReconcileReport, width: number): string {
  const tables = [renderSubmissions(submissions, width), renderAttempts(attempts, width)].filter((one) => one !== '');
  if (tables.length === 0) {
    const openToo = attempts === undefined ? '' : ', no open attempts';
    tables.push(`Nothing to reconcile: no unconfirmed submissions${openToo}\n`);
  }
  const reasons = [
    ...(attempts?.stops ?? []).map((stop) => `${describeStop(stop)}\n`),
    ...(attempts?.reasons ?? []).map(({ why, count }) => `${count}: ${why}\n`),
  ];
  const head = isReportOnly === true ? 'Nothing was changed; without --report-only, this would be done:\n\n' : '';
  return [head, tables.join('\n'), reasons.length === 0 ? '' : '\n', ...reasons].join('');
}

function renderSubmissions({ confirmed, withdrawn, waiting, unknown }: Recovered, width: number): string {
  if (confirmed + withdrawn + waiting + unknown === 0) return '';
  const rows = [
    ['found and confirmed', confirmed],
    ['never submitted, taken back', withdrawn],
    ['waiting', waiting],
    ['unknown', unknown],
  ] as const;
  return renderTable({ head: ['unconfirmed submissions', 'number'], rows }, width);
}

function renderAttempts(attempts: Reconciled | undefined, width: number): string {
  if (attempts === undefined || attempts.checked + attempts.jobsRemoved === 0) return '';
  return renderTable(
    {
      head: ['open attempts', 'number'],
      rows: [
        ['unchanged', attempts.agreed],
        ['confirmed', attempts.confirmed],
        ...recordedKinds.map((kind) => [`${recordedTexts[kind]} (new)`, attempts.recorded[kind]] as const),
        ['retired: job removed', attempts.jobsRemoved],
        ...(attempts.takenBack === 0 ? [] : [['never created, taken back', attempts.takenBack] as const]),
        ['waiting', attempts.waiting],
        ['unknown', attempts.unknown],
        ['vanished, not recorded', attempts.disbelieved],
        ...(attempts.unread === 0 ? [] : [['answers that cannot be read', attempts.unread] as const]),
      ],
      total: ['checked', attempts.checked],
    },
    width,
  );
}
