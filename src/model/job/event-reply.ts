/**
 * What became of one event: `new` and `duplicate` are safe in the database. The others will never be taken, however
 * often they are sent: no such attempt, an attempt of another submission, or words that make no sense.
 */
export type EventOutcome = 'new' | 'duplicate' | 'unknown-attempt' | 'forbidden' | 'invalid';

/** The answer to one event, in the order of the request. */
export interface EventResult {
  readonly cupsid: number;
  readonly source: string;
  readonly sequence: number;
  readonly outcome: EventOutcome;
  /** What was wrong; with `invalid` only. */
  readonly reason?: string;
}

/** Whether a job that said `started` may go on: not if its attempt was retired or had ended before. */
export interface StartVerdict {
  readonly cupsid: number;
  readonly go: boolean;
  /** Why not; absent where it may. */
  readonly reason?: string;
}

/** Whether a staged file stands in the catalog by now; where not, the reason, and the gateway goes on trying. */
export interface Registration {
  readonly cupsid: number;
  readonly source: string;
  readonly sequence: number;
  readonly isRegistered: boolean;
  /** Set where the gateway does not go on trying: e.g. the name belongs to another product. */
  readonly isRefused?: boolean;
  readonly reason?: string;
}

/** The answer to `POST /v1/events`. It is given when everything that it calls `new` is committed. */
export interface EventReply {
  /** One an event, in the order of the request. */
  readonly results: readonly EventResult[];
  /** One for each accepted `started`. */
  readonly verdicts: readonly StartVerdict[];
  /** One for each accepted `stageout`. */
  readonly registered: readonly Registration[];
}
