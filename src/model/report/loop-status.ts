import type { OpenBreaker } from '../policy/breaker.ts';
import type { RetryDecision } from '../policy/retry-policy.ts';
import type { ScoutMemory } from '../policy/scout-memory.ts';
import type { Funnel } from './funnel.ts';

/** The result of one turn of a rule in a loop. */
export interface PassRecord {
  readonly rule: string;
  /** Absolute path of the rule file. */
  readonly config: string;
  /** ISO 8601 UTC, as all times here. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: PassResult;
  /** Why it waited or failed, a sentence without full stop; absent if the rule ran. */
  readonly reason?: string;
  readonly gauge?: QueueGauge;
  readonly funnel?: Funnel;
  /** Jobs that the batch system has accepted. */
  readonly submitted: number;
  /** Number of runs that had triggered the turn, which decided these alone; absent: it decided all runs of the rule. */
  readonly runs?: number;
  /** When the loop will run the rule again; absent: it will not. */
  readonly nextAt?: string;
}

/** How a turn of a rule in a loop ended. */
export type PassResult = 'dispatched' | 'unchanged' | 'waited' | 'elsewhere' | 'failed';

/** How long ago a rule that a loop runs had its last pass over all its runs. */
export interface PassAge {
  readonly rule: string;
  /** Null: it had none yet, as `outcome`. */
  readonly seconds: number | null;
  readonly outcome: PassResult | null;
}

/** How full the queue is: numbers of jobs. */
export interface QueueGauge {
  /** All jobs in the batch system if it counts them, otherwise those of this site. */
  readonly jobs: number;
  readonly idle: number;
  readonly running: number;
  readonly held: number;
  /** How busy the busiest schedd is, 0 to 1; absent if that is not measured. */
  readonly dutyCycle?: number;
}

/** A rule that no loop runs until it is resumed. */
export interface RulePause {
  readonly rule: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

/** The status of a rule that loops run. */
export interface LoopRuleStatus {
  readonly rule: string;
  /** The loop that runs it now; absent: none. `isSilent`: it does not renew its lease. */
  readonly loop?: {
    readonly name: string;
    readonly process: number;
    readonly since: string;
    readonly isSilent: boolean;
  };
  /** The latest turn that was not triggered; absent: no turn is recorded. */
  readonly last?: PassRecord;
  /** The latest triggered turn that submitted jobs or failed. */
  readonly lastTriggered?: Pick<PassRecord, 'endedAt' | 'outcome' | 'submitted'> & { readonly runs: number };
  readonly lastDispatchedAt?: string;
  /** Failed turns since the rule last ran. */
  readonly failures: number;
  readonly pause?: RulePause;
  /** Live attempts of the rule that failed or are held, and the latest of them; absent: there are none. */
  readonly unwell?: {
    readonly failed: number;
    readonly held: number;
    readonly run: number;
    readonly segment: number;
  };
  /** The funnel of the latest pass that decided, where the last one did not. */
  readonly earlierFunnel?: Funnel;
  /** What jobs request by what the scouts used; absent: what the rule says. */
  readonly scoutMemory?: Omit<ScoutMemory, 'rule'>;
  /** Absent: the failure rate of the rule is as usual. */
  readonly breaker?: Omit<OpenBreaker, 'rule'>;
  /** What the rule's retry policy has decided about attempts that are failed or held. */
  readonly policy: readonly PolicyCount[];
}

/** So many attempts of a rule, and what its retry policy has decided about them. */
export interface PolicyCount {
  readonly rule: string;
  /** false: it is only reported what would be done. */
  readonly isActive: boolean;
  readonly action: RetryDecision['action'];
  readonly count: number;
  /** The latest. */
  readonly example: { readonly dstfile: string; readonly reason: string };
  /** When the next retry is due; absent: none is. */
  readonly dueAt?: string;
}
