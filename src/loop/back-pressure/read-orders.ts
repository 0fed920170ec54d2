import { readRuleFile } from '#rules/read-rule-file.ts';

import type { Rule } from '#model/rule.ts';

import type { Ordered } from './run-in-order.ts';

/**
 * Reads the order of turns in their rule files, each file once. A rule that cannot be read has no order of its own: what
 * is wrong with it is reported in its turn.
 */
export async function readOrders<T extends { readonly rule: string; readonly config: string }>(
  turns: readonly T[],
): Promise<readonly Ordered<T>[]> {
  const files = new Map<string, readonly Rule[]>();
  for (const config of new Set(turns.map((turn) => turn.config))) {
    files.set(
      config,
      await readRuleFile(config).then(
        ({ rules }) => rules,
        () => [],
      ),
    );
  }
  return turns.map((turn) => {
    const rule = files.get(turn.config)?.find(({ name }) => name === turn.rule);
    return { turn, order: rule?.order ?? { priority: 0 } };
  });
}
