import { renderTable } from '#cli/table.ts';
import { countOf } from '#util/count-of.ts';

import type { Adoption, MigrationReport, OpenCount } from '#model/report/migration.ts';

function formatNumber(value: number): string {
  return value.toLocaleString('en-US');
}

function renderHeadline(
  { role, applied, isForeign, adoption, isAdoptedAgain }: MigrationReport,
  isPlan: boolean,
): string {
  if (adoption !== undefined && isForeign)
    return isPlan ? 'created by others, to be completed' : 'created by others, completed';
  if (adoption !== undefined) {
    const what = isPlan ? 'to be adopted from an older system' : 'adopted from an older system';
    return `${what}: ${applied.join(', ')}`;
  }
  if (isAdoptedAgain === true) {
    return `${isPlan ? 'to be adopted again' : 'adopted again'}, from an earlier version of SLURP: ${applied.join(', ')}`;
  }
  if (isForeign) return role === 'catalog' ? 'created by others, complete' : 'created by others, unchanged';
  if (applied.length === 0) return 'up to date';
  return `${isPlan ? 'to run: ' : ''}${applied.join(', ')}`;
}

function sizeOf(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}

function countTable({ counts }: Adoption, width: number): string {
  const hasAttempts = counts.some(({ live }) => live !== undefined);
  return renderTable(
    {
      head: ['table', 'rows before', 'rows after', ...(hasAttempts ? ['live', 'retired'] : [])],
      rows: counts.map(({ table, before, after, live, retired }) => [
        table,
        before,
        after,
        ...(hasAttempts ? [live, retired] : []),
      ]),
    },
    width,
  );
}

function renderChanges({ changes, added, hasNewStates, rewrittenBytes }: Adoption): readonly string[] {
  const rewritten = [...new Set(changes.filter(({ isRewriting }) => isRewriting).map(({ table }) => table))];
  if (hasNewStates && !rewritten.includes('production_status')) rewritten.push('production_status');
  const free = changes.filter(({ isRewriting }) => !isRewriting).length;
  const lines: string[] = [];
  if (added.length > 0) lines.push(`Added: ${added.join(', ')}`);
  if (hasNewStates) lines.push("The type 'prodstate' gets all states, in the order used by '<'");
  if (free > 0)
    lines.push(
      `${countOf(free, 'column')} of limited length ${free === 1 ? 'becomes' : 'become'} text, without touching rows`,
    );
  if (rewritten.length > 0) {
    const columns = changes.filter(({ isRewriting }) => isRewriting).map(({ column, to }) => `${column} ${to}`);
    const why = [...columns, ...(hasNewStates ? ['status'] : [])].join(', ');
    lines.push(`Rewritten once: ${rewritten.join(', ')} (${sizeOf(rewrittenBytes)}), for ${why}`);
  }
  return lines;
}

function openLines(open: readonly OpenCount[]): readonly string[] {
  const total = open.reduce((sum, { attempts }) => sum + attempts, 0);
  if (total === 0) return [];
  const states = open.map(({ state, attempts }) => `${formatNumber(attempts)} ${state}`).join(', ');
  const lost = open.find(({ state }) => state === 'submitting')?.withoutCluster ?? 0;
  return [
    `${countOf(total, 'attempt')} ${total === 1 ? 'is' : 'are'} not final and ${total === 1 ? 'does' : 'do'} not belong to a submission of SLURP:`,
    `  ${states}`,
    'They stay unchanged and block; their jobs may still report the old way.',
    ...(lost > 0
      ? [`${formatNumber(lost)} of them are 'submitting' without a cluster: probably never submitted.`]
      : []),
    `To redo those whose jobs are gone: kaedama … -u ${open.map(({ state }) => state).join(' ')}`,
  ];
}

function renderInvalid({ counts }: Adoption): readonly string[] {
  const entries = counts.find(({ table }) => table === 'invalid_run_list')?.before ?? 0;
  if (entries === 0) return [];
  return [
    `${countOf(entries, 'entry', 'entries')} of invalid_run_list ${entries === 1 ? 'counts' : 'count'} from now on: the original ignored them`,
  ];
}

/**
 * Renders what a migration did for reading, in lines of at most `width` characters where tables allow.
 *
 * @param isPlan it was not done, but will be
 */
export function renderMigration(report: MigrationReport, isPlan: boolean, width = 80): string {
  const { role, adoption } = report;
  const first = `${role.padEnd(9)}${renderHeadline(report, isPlan)}\n`;
  if (adoption === undefined) return first;
  const notes = [...renderChanges(adoption), ...openLines(adoption.open), ...renderInvalid(adoption)];
  return `${first}\n${countTable(adoption, width)}\n${notes.map((line) => `${line}\n`).join('')}`;
}
