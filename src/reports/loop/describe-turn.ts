import { countOf } from '#util/count-of.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { PassRecord } from '#model/report/loop-status.ts';

/** Describes the result of a turn in one line. */
export function describeTurn(
  { rule, outcome, reason, submitted, runs }: Pick<PassRecord, 'rule' | 'outcome' | 'reason' | 'submitted' | 'runs'>,
  clusters: readonly number[],
): string {
  if (outcome === 'dispatched') {
    const where = clusters.length === 0 ? '' : `, cluster ${clusters.join(', ')}`;
    const cause = runs === undefined ? '' : ` for new files of ${countOf(runs, 'run')}`;
    return `${rule}: ${countOf(submitted, 'job')} dispatched${cause}${where}`;
  }
  if (outcome === 'unchanged') return `${rule}: nothing has changed`;
  return withoutControls(`${rule} ${outcome === 'failed' ? 'failed' : 'waits'}: ${reason ?? 'no reason is known'}`);
}

/** Describes the result of a cycle in one line. */
export function describeCycle(
  cycle: number,
  passes: readonly Pick<PassRecord, 'outcome' | 'submitted'>[],
  nextAt: string | undefined,
): string {
  const count = (outcomes: readonly PassRecord['outcome'][]): number =>
    passes.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const submitted = passes.reduce((sum, pass) => sum + pass.submitted, 0);
  const [waiting, failed] = [count(['waited', 'elsewhere']), count(['failed'])];
  const parts = [
    countOf(passes.length, 'rule'),
    `${countOf(submitted, 'job')} dispatched`,
    ...(waiting === 0 ? [] : [`${waiting} waiting`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ];
  const next = nextAt === undefined ? '' : `; next at ${nextAt.slice(11, 19)} UTC`;
  return `Cycle ${cycle}: ${parts.join(', ')}${next}`;
}
