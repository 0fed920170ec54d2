import { renderTable } from '#cli/table.ts';

import { toldKinds } from './reconcile.ts';

import type { Recovered } from '../recover.ts';
import type { Reconciled } from './reconcile.ts';

/** What a whole reconciliation did: of submissions, and of attempts unless only the former were asked for. */
export interface ReconcileReport {
  readonly submissions: Recovered;
  readonly attempts?: Reconciled;
}

const tellings: Readonly<Record<(typeof toldKinds)[number], string>> = {
  started: 'started',
  held: 'held',
  released: 'released',
  evicted: 'evicted',
  exited: 'ended',
  removed: 'removed',
  vanished: 'vanished',
};

/**
 * Renders what was reconciled as tables, with why something is not known.
 *
 * @param width the widest a line of a table may be, in characters
 * @returns lines, each ended by a newline
 */
export function renderReconciled({ submissions, attempts }: ReconcileReport, width: number): string {
  const { confirmed, withdrawn, waiting, unknown } = submissions;
  const rows: (readonly [string, number])[] = [
    ['found and confirmed', confirmed],
    ['never there, taken back', withdrawn],
    ['waiting', waiting],
    ['unknown', unknown],
  ];
  const first = renderTable({ head: ['submissions that hung in the air', 'number'], rows }, width);
  if (attempts === undefined) return first;
  const second = renderTable(
    {
      head: ['attempts that are not final', 'number'],
      rows: [
        ['as their rows say', attempts.agreed],
        ['confirmed', attempts.confirmed],
        ...toldKinds.map((kind) => [`${tellings[kind]} (new)`, attempts.told[kind]] as const),
        ['not wanted: job removed', attempts.jobsRemoved],
        ['waiting', attempts.waiting],
        ['unknown', attempts.unknown],
        ['vanished, not believed', attempts.disbelieved],
      ],
      total: ['checked', attempts.checked],
    },
    width,
  );
  const reasons = attempts.reasons.map(({ why, count }) => `${count}: ${why}\n`);
  return [first, '\n', second, reasons.length === 0 ? '' : '\n', ...reasons].join('');
}
