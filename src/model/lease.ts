import type { Production } from './production.ts';

/** A loop, as others see it. */
export interface LoopIdentity {
  readonly uuid: string;
  /** `account@host`. */
  readonly name: string;
  /** Number of its process on that host. */
  readonly process: number;
}

/** The right to run a production, for as long as nobody else has taken it. */
export interface Lease {
  readonly production: Production;
  readonly holder: string;
  /** Another for each time that any lease was taken. */
  readonly fence: number;
}
