import type { RuleOrder } from '#model/rule.ts';

/** What has an order among the turns of a cycle. */
export interface Ordered<T> {
  readonly turn: T;
  readonly order: RuleOrder;
}

/** How turns are run. */
export interface OrderedRun<T> {
  /**
   * Runs a turn with a part of the room in the queue, above 0 and up to 1. Returns whether it could have used more.
   */
  readonly run: (turn: T, part: number) => Promise<boolean>;
  /** Whether there is room for another job. */
  readonly hasRoom: () => Promise<boolean>;
}

/**
 * Runs turns by priority, those of equal priority in the order given. If one of these names a share, the room is divided
 * among them: each gets its share of what the earlier ones left, and what is left over goes to those that could use
 * more. Without a share the first takes what it needs.
 */
export async function runInOrder<T>(turns: readonly Ordered<T>[], { run, hasRoom }: OrderedRun<T>): Promise<void> {
  const priorities = [...new Set(turns.map(({ order }) => order.priority))].sort((one, other) => other - one);
  for (const priority of priorities) {
    const equal = turns.filter(({ order }) => order.priority === priority);
    const isDivided = equal.some(({ order }) => order.share !== undefined);
    // The last of a round gets everything that is left, so each round is shorter than the one before.
    for (let round = equal; round.length > 0 && (round === equal || (await hasRoom()));) {
      const wanting: Ordered<T>[] = [];
      for (const [index, ordered] of round.entries()) {
        const part = isDivided ? partOf(round.slice(index)) : 1;
        if ((await run(ordered.turn, part)) && part < 1) wanting.push(ordered);
      }
      round = wanting;
    }
  }
}

/** The part of the first, beside the others. */
function partOf<T>(turns: readonly Ordered<T>[]): number {
  const shares = turns.map(({ order }) => order.share ?? 1);
  const all = shares.reduce((sum, share) => sum + share, 0);
  return (shares[0] ?? 1) / all;
}
