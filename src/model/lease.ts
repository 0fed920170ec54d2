import type { Production } from './production.ts';

/** A loop, as others see it. */
export interface LoopIdentity {
  readonly uuid: string;
  /** `account@host`. */
  readonly name: string;
  /** Number of its process on that host. */
  readonly process: number;
}

/** The right of one loop to run a production. */
export interface Lease {
  readonly production: Production;
  readonly holder: string;
  /** A new number each time a lease is taken. */
  readonly fence: number;
}
