/** When a node is bad, and for how long jobs avoid it. */
export interface NodeSettings {
  /** So many products, at least, must have failed quickly there. */
  readonly failures: number;
  /** In the last so many ms. */
  readonly withinMs: number;
  /** From the last of these failures on. */
  readonly avoidMs: number;
  /** Part of the nodes that may be avoided at the same time; 0 to 1. */
  readonly atMost: number;
}

/** For sites without settings of their own. */
export const defaultNodes: NodeSettings = {
  ...{ failures: 10, withinMs: 6 * 3_600_000, avoidMs: 24 * 3_600_000, atMost: 0.25 },
};

/** What became of the jobs of a rule on a node. */
export interface NodeRate {
  readonly rule: string;
  readonly node: string;
  /** Jobs that ended there, or that have been running there for so long that they did not fail quickly. */
  readonly jobs: number;
  readonly failed: number;
  /** Products whose jobs failed quickly there. */
  readonly quick: number;
  /** When the last of these failed; ms since 1970. Null: none did. */
  readonly lastMs: number | null;
}

/** A node that is found to be bad. */
export interface FoundNode {
  readonly node: string;
  /** A sentence without full stop. */
  readonly reason: string;
  /** When jobs may use it again; ms since 1970. */
  readonly expiresMs: number;
  /** False: too many are avoided already. */
  readonly mayBeAvoided: boolean;
}

/** A node that is known to be bad. Times are ISO 8601 UTC. */
export interface BadNode {
  readonly node: string;
  readonly reason: string;
  readonly foundAt: string;
  readonly expiresAt: string;
  readonly mayBeAvoided: boolean;
  /** Since when new jobs avoid it; absent: it is only reported. */
  readonly avoidedAt?: string;
}
