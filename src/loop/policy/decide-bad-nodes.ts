import { countOf } from '#util/count-of.ts';
import { formatDuration } from '#util/text/format-duration.ts';

import type { FoundNode, NodeRate, NodeSettings } from '#model/policy/bad-node.ts';

/** What {@link decideBadNodes} decides by. */
export interface NodeFacts {
  /** One for each rule and node. */
  readonly rates: readonly NodeRate[];
  /** Number of nodes of the site on which jobs ended lately, or run. */
  readonly seen: number;
  /** Names of nodes that are avoided now. */
  readonly avoided: readonly string[];
  /** Since 1970. */
  readonly nowMs: number;
}

/** This part of a rule's jobs must fail on a node. */
const leastRate = 0.5;
/** And this many times what is usual on the other nodes. */
const leastTimes = 4;
/** Jobs of the rule that do well elsewhere: with fewer, the rule itself may be broken. */
const leastGood = 3;

interface Suspicion {
  readonly node: string;
  readonly rates: readonly NodeRate[];
  readonly quick: number;
  readonly lastMs: number;
  /** Failure rate elsewhere. */
  readonly usual: number;
}

/**
 * Decides which nodes are bad: many products failed quickly there, of rules whose jobs mostly fail there and seldom
 * elsewhere. Elsewhere is the median of the other nodes, so some more bad nodes do not hide each other.
 *
 * @returns the worst first
 */
export function decideBadNodes(facts: NodeFacts, settings: NodeSettings): readonly FoundNode[] {
  const { seen, avoided, nowMs } = facts;
  const bad = findSuspicions(facts.rates)
    .filter(({ quick, lastMs }) => quick >= settings.failures && lastMs + settings.avoidMs > nowMs)
    .toSorted((one, other) => other.quick - one.quick || (one.node < other.node ? -1 : 1));
  // Nodes that are avoided have no new jobs, and may not be seen any more.
  const cap = Math.floor(Math.max(seen, avoided.length) * settings.atMost);
  let free = cap - avoided.length;
  return bad.map((suspicion) => {
    const { node, lastMs } = suspicion;
    const mayBeAvoided = avoided.includes(node) || free > 0;
    if (mayBeAvoided && !avoided.includes(node)) free -= 1;
    const reason = describeSuspicion(suspicion, settings);
    const capped = `not avoided, because at most ${cap} of ${countOf(seen, 'node')} may be`;
    const expiresMs = lastMs + settings.avoidMs;
    return { node, expiresMs, mayBeAvoided, reason: mayBeAvoided ? reason : `${reason}; ${capped}` };
  });
}

function findSuspicions(rates: readonly NodeRate[]): readonly Suspicion[] {
  const suspicions = new Map<string, Suspicion>();
  for (const rate of rates) {
    if (rate.quick === 0 || rate.lastMs === null) continue;
    const others = rates.filter(({ rule, node }) => rule === rate.rule && node !== rate.node);
    const good = others.reduce((sum, { jobs, failed }) => sum + jobs - failed, 0);
    const usual = medianOf(others.map(rateOf));
    if (rateOf(rate) < leastRate || good < leastGood || rateOf(rate) < leastTimes * usual) continue;
    const known = suspicions.get(rate.node) ?? { node: rate.node, rates: [], quick: 0, lastMs: 0, usual: 0 };
    suspicions.set(rate.node, {
      ...{ node: rate.node, rates: [...known.rates, rate], quick: known.quick + rate.quick },
      ...{ lastMs: Math.max(known.lastMs, rate.lastMs), usual: Math.max(known.usual, usual) },
    });
  }
  return [...suspicions.values()];
}

function describeSuspicion({ rates, quick, usual }: Suspicion, { withinMs }: NodeSettings): string {
  const [jobs, failed] = [
    rates.reduce((sum, rate) => sum + rate.jobs, 0),
    rates.reduce((sum, rate) => sum + rate.failed, 0),
  ];
  const [first] = rates;
  const rules = rates.length === 1 && first !== undefined ? first.rule : countOf(rates.length, 'rule');
  const times = `in the last ${formatDuration(withinMs / 1000)}`;
  return `${failed} of ${countOf(jobs, 'job')} of ${rules} failed there ${times}, ${quick} quickly; ${Math.round(usual * 100)} % fail on other nodes`;
}

function rateOf({ jobs, failed }: NodeRate): number {
  return failed / Math.max(jobs, 1);
}

/** 0 of nothing. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
