import type { JobState } from '../job/job-state.ts';
import type { StoppedSubmission } from '../job/stuck-jobs.ts';
import type { RowSelection } from '../row-selection.ts';

/** The reports of `ramenya query`, in the order in which the original lists them. */
export const queryReportNames = [
  'pending',
  'started',
  'clusters',
  'runs',
  'failed',
  'condor',
  'held',
  'everything',
] as const;

/** The name of a report of `ramenya query`. */
export type QueryReportName = (typeof queryReportNames)[number];

/** Which attempts a report is about; live ones only. */
export interface QuerySelection {
  /** All runs where absent. */
  readonly runs?: RowSelection['runs'];
  /** dstnames or dsttypes, exactly; none: all. */
  readonly names: readonly string[];
  /** Submitted later than this; absent: whenever. */
  readonly since?: Date;
}

/** How long the jobs of one dsttype and setup, which have not run yet, took from reservation to submission; seconds. */
export interface PendingRow {
  readonly dsttype: string;
  readonly prodId: number;
  readonly numJobs: number;
  /** Null where none is submitted. */
  readonly avgTimeToSubmit: number | null;
  readonly minTimeToSubmit: number | null;
  readonly maxTimeToSubmit: number | null;
}

/** How many attempts of a group are in which state, how long they took, and what they made; times in seconds. */
interface GroupCounts {
  /** Those for which the group is in the report; all other columns count all attempts of the group. */
  readonly numJobs: number;
  /** From submission to the first report of the job. */
  readonly avgTimeToStart: number | null;
  /** In the queue: submitting or submitted. */
  readonly numSubmitted: number;
  /** Started or running. */
  readonly numRunning: number;
  readonly numFinished: number;
  readonly numFailed: number;
  /** From the first report of the job to its end. */
  readonly avgJobDuration: number | null;
  readonly sumEvents: number;
}

/** The attempts of one dsttype, of which at least one was started. */
export interface StartedRow extends GroupCounts {
  readonly dsttype: string;
  readonly lastJobStarted: Date | null;
  readonly lastJobFinished: Date | null;
}

/** The attempts of one dsttype in one cluster of the batch system, of which at least one was started and has not ended. */
export interface ClusterRow extends GroupCounts {
  readonly dsttype: string;
  readonly cluster: number;
  readonly minRun: number;
  readonly maxRun: number;
  readonly earliestStart: Date | null;
  readonly lastStart: Date | null;
}

/** An attempt that was started and has not finished. */
export interface RunRow {
  readonly dsttype: string;
  readonly run: number;
  readonly segment: number;
  readonly status: JobState;
  readonly cluster: number;
  readonly process: number;
}

/** The failed attempts of one dstname and setup. */
export interface FailedRow {
  readonly dstname: string;
  readonly prodId: number;
  /** `RUN-SEGMENT`, at least eight and four digits, ascending; the first of them where there are very many. */
  readonly runSegments: readonly string[];
  /** How many there are. */
  readonly numFailed: number;
}

/**
 * What the batch system says of a job: HTCondor's words; `Queued`: HTCondor will make the job later; `none`: it is not in
 * the queue.
 */
export type CondorWord = 'Idle' | 'Running' | 'Removing' | 'Completed' | 'Held' | 'Suspended' | 'Queued' | 'none';

/** An attempt that has not ended, with what the batch system says of its job. */
export interface CondorRow extends RunRow {
  readonly prodId: number;
  /** Null: not known, because the batch system gave no answer about it, or an older system submitted it. */
  readonly condorStatus: CondorWord | null;
  /** When it entered that state. */
  readonly at: Date | null;
  readonly holdCode: number | null;
  readonly holdSubcode: number | null;
}

/** A job that the batch system holds. */
export interface HeldRow {
  readonly dsttype: string;
  readonly run: number;
  readonly segment: number;
  readonly cluster: number;
  readonly process: number;
  readonly since: Date | null;
  readonly holdCode: number | null;
  readonly holdSubcode: number | null;
  readonly reason: string | null;
}

/** A submission of which the batch system makes no further jobs. */
export type HeldSubmission = Pick<StoppedSubmission, 'rule' | 'cluster' | 'kind' | 'reason' | 'unmade'>;

/** An attempt with what became of it. */
export interface EverythingRow extends RunRow {
  readonly nevents: number;
  readonly started: Date | null;
  readonly running: Date | null;
  readonly ended: Date | null;
  readonly exitCode: number | null;
}

/** The rows of a report, and how many are not among them because there are more than were asked for. */
export interface LimitedRows<Row> {
  readonly rows: readonly Row[];
  readonly leftOut: number;
}

interface ReportOf<Name extends QueryReportName, Row> extends LimitedRows<Row> {
  readonly report: Name;
  /** Attempts submitted later than this; absent: whenever they were submitted. */
  readonly since?: Date;
}

/** What a report asked the batch system, which may not have answered, or only in part. */
interface AskedQueue {
  /** Why something of it is not known; absent where the answer was complete. */
  readonly silence?: string;
}

/** One report of `ramenya query`. */
export type QueryReport =
  | ReportOf<'pending', PendingRow>
  | ReportOf<'started', StartedRow>
  | ReportOf<'clusters', ClusterRow>
  | ReportOf<'runs', RunRow>
  | ReportOf<'failed', FailedRow>
  | (ReportOf<'condor', CondorRow> & AskedQueue)
  | (ReportOf<'held', HeldRow> &
      AskedQueue & {
        /** Submissions that are held, or of which jobs cannot be made, as a whole. */
        readonly stops: readonly HeldSubmission[];
      })
  | ReportOf<'everything', EverythingRow>;

/** What one call of `ramenya query` found: its `--json`. */
export interface QueryReports {
  /** When it was asked. */
  readonly at: Date;
  /** The site file, or the directory of the site. */
  readonly site: string;
  readonly mode: 'production' | 'testbed';
  readonly reports: readonly QueryReport[];
}
