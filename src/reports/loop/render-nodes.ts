import { withoutControls } from '#util/text/without-controls.ts';

import type { BadNode } from '#model/policy/bad-node.ts';

/**
 * Renders the nodes that are known to be bad, a line each.
 *
 * @returns lines, each ended by a newline; empty where there is none
 */
export function renderNodes(nodes: readonly BadNode[]): string {
  return nodes.map((node) => `${withoutControls(describeNode(node))}\n`).join('');
}

function describeNode({ node, reason, expiresAt, avoidedAt, mayBeAvoided }: BadNode): string {
  const until = `until ${expiresAt.slice(0, 16).replace('T', ' ')} UTC`;
  if (avoidedAt !== undefined) return `node ${node}: new jobs avoid it ${until}: ${reason}`;
  return mayBeAvoided ? `node ${node} (passive): would be avoided ${until}: ${reason}` : `node ${node}: ${reason}`;
}
