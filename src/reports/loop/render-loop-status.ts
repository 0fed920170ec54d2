import { renderTable } from '#cli/table.ts';
import { countOf } from '#util/count-of.ts';
import { formatCount } from '#util/text/format-count.ts';
import { formatDuration } from '#util/text/format-duration.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import { describePolicy, whenOf } from './describe-policy.ts';

import type { ScoutMemory } from '#model/policy/scout-memory.ts';
import type { Funnel } from '#model/report/funnel.ts';
import type { LoopRuleStatus } from '#model/report/loop-status.ts';

/**
 * Renders the status of the rules that loops run: a table, and below it the details of each rule.
 *
 * @param now for the ages
 * @returns lines, each ended by a newline
 */
export function renderLoopStatus(rules: readonly LoopRuleStatus[], now: Date, width: number): string {
  if (rules.length === 0) return "No loop has run a rule here: 'ramenya submit FILE --loop' starts one\n";
  const table = renderTable(
    {
      head: ['rule', 'loop', 'last pass', 'result', 'jobs', 'next'],
      rows: rules.map((rule) => [
        rule.rule,
        loopOf(rule),
        rule.last === undefined ? 'never' : `${ageOf(rule.last.endedAt, now)} ago`,
        resultOf(rule),
        rule.last?.submitted,
        rule.last?.nextAt === undefined || rule.loop === undefined ? '-' : whenOf(rule.last.nextAt, now),
      ]),
    },
    width,
  );
  const details = rules.flatMap((rule) => describeRule(rule, now));
  return details.length === 0 ? table : `${table}\n${details.map((line) => `${line}\n`).join('')}`;
}

function loopOf({ loop }: LoopRuleStatus): string {
  if (loop === undefined) return '-';
  return `${loop.name}:${loop.process}${loop.isSilent ? ' (silent)' : ''}`;
}

function resultOf({ last, pause }: LoopRuleStatus): string {
  if (pause !== undefined) return 'paused';
  if (last === undefined) return '-';
  return last.outcome === 'dispatched' && last.submitted === 0 ? 'nothing new' : last.outcome;
}

function describeRule(status: LoopRuleStatus, now: Date): readonly string[] {
  const { rule, last, lastTriggered, pause, failures, loop, lastDispatchedAt, policy, breaker, scoutMemory } = status;
  const lines: string[] = [];
  if (pause !== undefined) lines.push(`paused by ${pause.by} ${ageOf(pause.at, now)} ago: ${pause.reason}`);
  else if (last?.reason !== undefined) lines.push(last.reason);
  const funnel = last?.funnel ?? status.earlierFunnel;
  if (funnel !== undefined) lines.push(`${last?.funnel === undefined ? 'before, ' : ''}${funnelOf(funnel)}`);
  if (status.unwell !== undefined) lines.push(describeUnwell(status.unwell));
  if (lastTriggered !== undefined) {
    const { endedAt, outcome, submitted, runs } = lastTriggered;
    const what = outcome === 'failed' ? 'failed' : `${countOf(submitted, 'job')} dispatched`;
    lines.push(`triggered by new files of ${countOf(runs, 'run')} ${ageOf(endedAt, now)} ago: ${what}`);
  }
  if (failures > 1) {
    const since = lastDispatchedAt === undefined ? '' : `; its last good pass was ${ageOf(lastDispatchedAt, now)} ago`;
    lines.push(`failed ${failures} times in a row${since}`);
  }
  if (loop?.isSilent === true) lines.push('its loop does not renew its lease: another loop may take it');
  if (scoutMemory !== undefined) lines.push(describeScoutMemory(scoutMemory));
  // An active one has paused the rule, which says so.
  if (breaker?.isActive === false) {
    lines.push(`breaker (passive): would have paused it ${ageOf(breaker.openedAt, now)} ago: ${breaker.reason}`);
  }
  for (const one of policy) lines.push(describePolicy(one, now, pause !== undefined));
  // Reasons come from people and from database servers.
  return lines.map((line) => withoutControls(`${rule}: ${line}`));
}

function describeScoutMemory({ memoryMb, peakMb, percentile, factor, measured }: Omit<ScoutMemory, 'rule'>): string {
  return `scouts: jobs request ${memoryMb} MB of memory: ${factor} times ${Math.round(peakMb)} MB, the ${percentile}th percentile of ${countOf(measured, 'scout')}`;
}

function describeUnwell({ failed, held, run, segment }: Exclude<LoopRuleStatus['unwell'], undefined>): string {
  const parts = [
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
    ...(held === 0 ? [] : [`${formatCount(held)} held`]),
  ];
  return `${parts.join(', ')}: see 'kaedama … --why ${run} ${segment}'`;
}

function funnelOf({ candidates, counts }: Funnel): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${formatCount(count)} ${verdict}`);
  return `${formatCount(candidates)} candidates${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function ageOf(at: string, now: Date): string {
  return formatDuration(Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1000)));
}
