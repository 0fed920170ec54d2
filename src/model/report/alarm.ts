/** Something that needs a person. */
export interface Alarm {
  /**
   * `KIND:THING`, the same each time the same thing is wrong: it is raised once, and a person is notified once. Neither
   * numbers that change nor times belong into it.
   */
  readonly cause: string;
  /** The rule that it is about; absent where it is about the site. */
  readonly rule?: string;
  /** What is wrong, a sentence without full stop; it may change while the alarm is open. */
  readonly what: string;
  /** What to do, a sentence without full stop. */
  readonly advice: string;
}

/** An alarm that is not over. */
export interface OpenAlarm extends Alarm {
  /** ISO 8601 UTC. */
  readonly raisedAt: string;
}

/** One notification: that an alarm was raised, or that it is over. */
export interface Notification extends Alarm {
  /** The same in each try: who receives it twice knows it by this. */
  readonly id: number;
  readonly word: 'raised' | 'cleared';
  /** When it was raised or cleared; ISO 8601 UTC. */
  readonly at: string;
  /** Channels that have taken it. */
  readonly deliveredTo: readonly string[];
  /** How often it could not be delivered. */
  readonly failures: number;
}

/** Notifications that are not delivered. */
export interface Undelivered {
  readonly count: number;
  /** Age of the oldest one. */
  readonly oldestSeconds: number;
  /** Why, of the one that was tried last; absent where none has failed. */
  readonly problem?: string;
}
