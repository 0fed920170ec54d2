import type { JobState } from '../job/job-state.ts';
import type { StuckJobs } from '../job/stuck-jobs.ts';
import type { RoleName, Site } from '../site.ts';
import type { OpenAlarm } from './alarm.ts';
import type { PassAge } from './loop-status.ts';

/** How much is under way in the status database. */
export interface WorkCounts {
  /** Submissions that the batch system has not confirmed. */
  readonly unconfirmed: number;
  /** Live attempts by state; states without any are left out. */
  readonly attempts: Readonly<Partial<Record<JobState, number>>>;
  /** Live attempts that are finished and staged out no file of their product's name; not of attempts of an older system. */
  readonly finishedWithoutProduct: number;
  /** The same by rule, the most first; absent where there are none. */
  readonly withoutProduct?: readonly LackingRule[];
}

/** Finished attempts of a rule without a file of their product's name, and the latest of them. */
export interface LackingRule {
  /** Null for attempts of an older system. */
  readonly rule: string | null;
  readonly count: number;
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
}

/** Live attempts that have not ended and whose jobs sent signs of life. */
export interface SignCounts {
  readonly attempts: number;
  /** Age of the newest one. */
  readonly newestSeconds: number;
  /** Age of the oldest one: of the job that has been silent for longest. */
  readonly oldestSeconds: number;
}

/** How many staged files are waiting for the catalog. */
export interface UnappliedCounts {
  /** Will be tried again by itself. */
  readonly pending: number;
  /** Quarantined with a reason, for an operator to look at. */
  readonly aside: number;
  /** Age of the oldest pending one; 0 where there is none. */
  readonly oldestSeconds: number;
}

/** A product whose live attempt failed or is held. */
export interface Failure {
  readonly dstfile: string;
  /** Null for attempts of an older system. */
  readonly rule: string | null;
  readonly run: number;
  readonly segment: number;
  readonly state: JobState;
  /** Null where none was reported. */
  readonly exitCode: number | null;
  /** The last message of the job, or what the batch system said. */
  readonly reason: string | null;
}

/** One role's database, without any secret. */
export interface RoleStatus {
  readonly role: RoleName;
  readonly server: string;
  readonly schema: string;
  readonly isReachable: boolean;
  /** Why not. */
  readonly problem?: string;
}

/** Finished products that the catalog no longer has. */
export interface LostProducts {
  readonly count: number;
  /** So many were looked for, those of the latest attempts. */
  readonly looked: number;
  /** The latest of them. */
  readonly example?: { readonly dstfile: string; readonly run: number; readonly segment: number };
}

/** How a site is doing: what `slurp status --json` prints. */
export interface SiteStatus {
  readonly kind: Site['kind'];
  readonly mode: Site['mode'];
  readonly file?: string;
  readonly stateDirectory: string;
  readonly backend: Site['batch']['backend'];
  /** Why jobs cannot be submitted from here. */
  readonly batchProblem?: string;
  /** Its directory exists; else it has not been used yet. */
  readonly isMade: boolean;
  /** Everything that should run does. */
  readonly isUp: boolean;
  readonly serve?: { readonly pid: number; readonly phase: string; readonly startedAt?: string };
  /** The embedded server. */
  readonly postgres?: { readonly pid?: number };
  readonly gateway?: { readonly url: string; readonly health: string; readonly complaints: readonly string[] };
  /** The local queue: jobs by state, and how many run at once. */
  readonly queue?: {
    readonly slots: number;
    readonly running: number;
    readonly idle: number;
    readonly held: number;
  };
  readonly roles: readonly RoleStatus[];
  /** Absent where the status database does not answer. */
  readonly work?: WorkCounts;
  /** The last products that failed or are held, the newest first; absent as `work` is. */
  readonly failures?: readonly Failure[];
  /** Jobs that are stuck in the batch system; absent where `work` is, or where the batch system was not asked. */
  readonly stuck?: StuckJobs;
  /** The latest signs of life; absent as `work` is, and where there are none. */
  readonly signs?: SignCounts;
  /** Open alarms, the oldest first; absent as `work` is. */
  readonly alarms?: readonly OpenAlarm[];
  /** The last pass of each rule that loops run, the oldest first; absent as `work` is. */
  readonly passes?: readonly PassAge[];
  /** Staged files that are not in the catalog. */
  readonly stageouts?: UnappliedCounts;
  /** Finished products that are gone from the catalog; absent where one of the two databases does not answer. */
  readonly lostProducts?: LostProducts;
  /** Spool files that came home and are not read yet. */
  readonly spools: number;
  /** Live attempts with a report that was refused and is not resolved; absent as `work` is. */
  readonly refusedAttempts?: number;
  /** Live attempts with a remark on a report that is not resolved; absent as `work` is. */
  readonly remarkedAttempts?: number;
  /** Spool files with lines that cannot be taken. */
  readonly refusedSpools: number;
}
