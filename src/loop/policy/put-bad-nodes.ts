import { findRuleNames } from '#db/status/find-rule-names.ts';
import { findAvoidedNodes, putFoundNodes, removeExpiredNodes } from '#db/status/policy/bad-nodes.ts';
import { countNodes, findNodeRates, findSuspectRules } from '#db/status/policy/find-node-rates.ts';

import { decideBadNodes } from './decide-bad-nodes.ts';

import type { Database } from '#db/connect.ts';
import type { NodeSettings } from '#model/policy/bad-node.ts';

/**
 * Finds the nodes of the site that are bad now, and records them. It depends on the policies of rules whether jobs avoid
 * them.
 *
 * @throws DatabaseError
 */
export async function putBadNodes(status: Database, settings: NodeSettings): Promise<void> {
  await removeExpiredNodes(status);
  const rules = await findRuleNames(status);
  const suspects = await findSuspectRules(status, rules, settings);
  if (suspects.length === 0) return putFoundNodes(status, []);
  const rates = await findNodeRates(status, suspects, settings);
  const [seen, avoided] = [await countNodes(status, rules, settings), await findAvoidedNodes(status)];
  await putFoundNodes(status, decideBadNodes({ rates, seen, avoided, nowMs: Date.now() }, settings));
}
