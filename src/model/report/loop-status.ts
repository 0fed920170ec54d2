import type { Funnel } from './funnel.ts';

/** What came of one turn of a rule in a loop. */
export interface PassRecord {
  readonly rule: string;
  /** Absolute path of the rule file. */
  readonly config: string;
  /** ISO 8601 UTC, as all times here. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: PassResult;
  /** Why it waited or failed, a sentence without full stop; absent where it was dispatched. */
  readonly reason?: string;
  readonly gauge?: QueueGauge;
  readonly funnel?: Funnel;
  /** Jobs that the batch system has accepted. */
  readonly submitted: number;
  /** When the loop wants to run it again; absent: it does not. */
  readonly nextAt?: string;
}

/** How a turn of a rule in a loop ended. */
export type PassResult = 'dispatched' | 'waited' | 'elsewhere' | 'failed';

/** How full the queue is: numbers of jobs. */
export interface QueueGauge {
  /** Of everybody's jobs, where the batch system counts them, else those of this site. */
  readonly jobs: number;
  readonly idle: number;
  readonly running: number;
  readonly held: number;
  /** The part of its time that the busiest schedd works, 0 to 1; absent where it is not measured. */
  readonly dutyCycle?: number;
}

/** A rule that no loop runs until a person resumes it. */
export interface RulePause {
  readonly rule: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

/** What is known of a rule that loops run. */
export interface LoopRuleStatus {
  readonly rule: string;
  /** The loop that has it now; absent: none. */
  readonly loop?: {
    readonly name: string;
    readonly process: number;
    readonly since: string;
    readonly isSilent: boolean;
  };
  /** The latest turn; absent: there was none in the days that are kept. */
  readonly last?: PassRecord;
  readonly lastDispatchedAt?: string;
  /** Failed turns since the last one that did not fail. */
  readonly failures: number;
  readonly pause?: RulePause;
}
