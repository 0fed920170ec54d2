import type { QueueGauge } from '#model/report/loop-status.ts';

import type { JobEnds } from './job-ends.ts';

/** One job of a submission, finished: nothing in it is left to expand but what the batch system alone knows. */
export interface BatchJob {
  /** Row number in the submission, from 0, without gaps: HTCondor's ProcId. */
  readonly process: number;
  /** The attempt: `production_status.id`. */
  readonly cupsid: number;
  readonly dstfile: string;
  /** Absolute path of the program to run: `wrapper.sh` of the worker's directory, or the rule's own. */
  readonly executable: string;
  /** Separated by spaces; no argument contains one. May hold `$(ClusterId)` and `$(ProcId)` for the backend to fill in. */
  readonly arguments: string;
  /**
   * Further submit commands by their lower-case name (`log`, `output`, `error`, `request_memory`, `output_destination`,
   * …), finished values; a key of the form `+Name` is a job attribute, its value a ClassAd expression (strings quoted).
   */
  readonly commands: Readonly<Record<string, string>>;
  /** What the product needs beyond its rule. The local batch system ignores it. */
  readonly needs?: JobNeeds;
}

/** What a retry policy has found that a product needs. */
export interface JobNeeds {
  /** Least requests. */
  readonly memoryMb: number | null;
  readonly diskMb: number | null;
  /** Names of machines, with or without domain, on which the job must not run. */
  readonly avoidedNodes: readonly string[];
}

/** The attempts handed to the batch system in one call. */
export interface BatchSubmission {
  /** Public: it is in the job's description. */
  readonly uuid: string;
  readonly batchName: string;
  readonly count: number;
  /** Absolute; a 0700 directory of this submission alone, made by the caller. Holds `slurp-token` (0600) and `slurp-job.json`. */
  readonly directory: string;
  /** Absolute path of the directory that holds wrapper and launchers (`dist/worker`). */
  readonly workerDirectory: string;
  /** The directory from which the operator submits; `{PWD}`. */
  readonly submitDirectory: string;
  /**
   * Whether a program of the rule's own runs under our launcher, where the batch system can do that. The launcher gives it
   * its arguments, directory, environment and streams as if it were not there.
   */
  readonly isSupervised: boolean;
  /** Absolute; where spools come home, on a file system that workers share. */
  readonly spoolDirectory: string;
  /** Variables for the job's environment; never a secret. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How a submission went. `unknown` means: it may be there or not, ask again by uuid; never submit it a second time. */
export type SubmitOutcome =
  | {
      readonly kind: 'accepted';
      readonly cluster: number;
      /** What the operator should know of it, a sentence each. */
      readonly notes?: readonly string[];
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** What the batch system says of one job. */
export interface BatchJobReport {
  readonly uuid: string;
  readonly cluster: number;
  readonly process: number;
  readonly cupsid: number;
  readonly state: 'idle' | 'running' | 'held' | 'completed' | 'removed' | 'suspended';
  /** When it entered that state; ISO 8601 UTC. */
  readonly since?: string;
  /** How often it was started so far. */
  readonly starts: number;
  readonly node?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly holdReason?: string;
  readonly holdCode?: number;
  readonly holdSubcode?: number;
  readonly removeReason?: string;
  readonly cpuSeconds?: number;
  readonly wallSeconds?: number;
  readonly memoryMb?: number;
  readonly diskMb?: number;
}

/** What the batch system says of one submission as a whole (job factories: jobs not yet materialized count as queued). */
export interface BatchSubmissionReport {
  readonly uuid: string;
  readonly cluster: number;
  readonly count: number;
  /** Jobs with a process number from here on do not exist yet, but are queued; `count` where all exist. */
  readonly nextProcess: number;
  /** Where jobs are left to make, and the batch system makes none. */
  readonly stop?: FactoryStop;
  /** Nothing of it is in the queue any more: it is only remembered, so nothing of it comes to exist. */
  readonly isOver?: true;
}

/** Why the batch system makes no further jobs of a submission. */
export interface FactoryStop {
  /**
   * `held`: an operator held the submission, and can release it. `broken`: a job cannot be made; released, the batch
   * system would continue with wrong process numbers. `removed`: it was taken out of the queue; jobs it made may still run.
   */
  readonly kind: 'held' | 'broken' | 'removed';
  /** In one line, without control characters. */
  readonly reason: string;
  /** The job that cannot be made, where that is known. */
  readonly process?: number;
}

/** A part of an answer that cannot be read: what it is about is unknown, and not absent. */
export interface UnreadReport {
  /** The submission that it is about; absent: any of those asked for. */
  readonly uuid?: string;
  /** The attempt that it is about; absent: any of the submission. */
  readonly cupsid?: number;
  /** What is wrong with it, a sentence without full stop. */
  readonly reason: string;
}

/** An answer, or that there is none: "no answer" and "cannot be parsed" are unknown, never empty. */
export type BatchAnswer<T> =
  | {
      readonly kind: 'answer';
      readonly value: T;
      /** Parts that cannot be read; absent where all could. */
      readonly unread?: readonly UnreadReport[];
    }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Which jobs to act on: whole submissions, or single attempts of one submission. */
export interface BatchSelection {
  readonly uuid: string;
  /** All jobs of the submission where absent. */
  readonly cupsids?: readonly number[];
}

/** Where a dump lies, and of how many jobs. */
export interface BatchDump {
  /** Absolute: what is handed over about the submission as a whole. */
  readonly descriptionFile: string;
  /** Absolute: its jobs, one a line. */
  readonly itemsFile: string;
  readonly count: number;
  /** What a submission would say of it, a sentence each. */
  readonly notes: readonly string[];
}

/** How a batch system is to be used. */
export interface BatchCapabilities {
  /**
   * How long after the death of a submitting process its submission may still appear (ms): what that process had
   * started may outlive it.
   */
  readonly submitSettlesMs: number;
  /** Jobs in one call of `submit` at most; absent: any number, or as many as {@link BatchBackend.findMaxJobs} says. */
  readonly maxJobsPerSubmission?: number;
}

/**
 * Where jobs run. One directory of `batch/` each; `test/batch/contract.ts` is run over all.
 *
 * @see docs/decisions/batch-backends.md
 */
export interface BatchBackend {
  readonly name: 'local' | 'htcondor';
  readonly can: BatchCapabilities;
  /** What becomes of jobs with these finished submit commands when they have ended. Pure. */
  findEnds(commands: BatchJob['commands']): JobEnds;
  /**
   * Hands a submission over, in one call to the batch system. May assume that every attempt is committed in the
   * database. `items` is consumed once, in process order, one for each of `count`. Must leave behind: all jobs or none.
   * Never called twice for one uuid.
   *
   * @throws what `items` threw, after having made sure that nothing is left behind; nothing else
   */
  submit(submission: BatchSubmission, items: AsyncIterable<BatchJob>): Promise<SubmitOutcome>;
  /**
   * Writes what {@link submit} would hand over into the directory of the submission, for a person to read. Submits
   * nothing, and asks the batch system nothing; files of an earlier dump are replaced. `items` is consumed once.
   *
   * @throws what `items` threw; Error if a job cannot be written, or of the operating system
   */
  dump(submission: Omit<BatchSubmission, 'count'>, items: AsyncIterable<BatchJob>): Promise<BatchDump>;
  /** Finds out how many jobs one call of `submit` may bring at most, where `wanted` wait. Never throws. */
  findMaxJobs?(wanted: number): Promise<number>;
  /** Counts all jobs in the queue, also those of others. Absent if the batch system only runs jobs of this site. */
  countQueue?(): Promise<BatchAnswer<QueueGauge>>;
  /**
   * The submissions that the batch system knows (queued, running, or ended and still remembered) of those asked for.
   *
   * @param where `queue`: only those of which something is in the queue, which takes far less time
   */
  findSubmissions(uuids: readonly string[], where?: 'queue'): Promise<BatchAnswer<readonly BatchSubmissionReport[]>>;
  /**
   * Jobs in the queue, of these submissions. A job that ended may be among them, as `completed` or `removed`, as long as
   * it is not in the history: no job is ever in neither.
   *
   * @param state only jobs in this state
   */
  queryQueue(uuids: readonly string[], state?: 'held' | 'running'): Promise<BatchAnswer<readonly BatchJobReport[]>>;
  /** Jobs that left the queue, of these submissions. */
  queryHistory(uuids: readonly string[]): Promise<BatchAnswer<readonly BatchJobReport[]>>;
  hold(selection: BatchSelection, reason: string): Promise<BatchAnswer<number>>;
  release(selection: BatchSelection, reason: string): Promise<BatchAnswer<number>>;
  remove(selection: BatchSelection, reason: string): Promise<BatchAnswer<number>>;
  /** Prevents that jobs of a submission which do not exist yet are made; existing ones stay as they are. */
  removeUnmade(uuid: string, reason: string): Promise<BatchAnswer<number>>;
}
