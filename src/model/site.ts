import type { Deadlines } from './job/deadlines.ts';
import type { JobContainer } from './job/job-file.ts';
import type { NodeSettings } from './policy/bad-node.ts';
import type { RetryPolicy } from './policy/retry-policy.ts';

/** The four databases by the job they do, however many servers there are. */
export const roleNames = ['daq', 'raw', 'catalog', 'status'] as const;

/** The name of a role: which of the databases of a site is meant. */
export type RoleName = (typeof roleNames)[number];

/** The address and schema of one role's tables; several roles may share a database. */
export interface Role {
  readonly role: RoleName;
  /** A `postgresql://` address, possibly with a secret in it: never print it, never hand it to a job. */
  readonly url: string;
  /** The schema that holds the role's tables; `public` by default. */
  readonly schema: string;
}

/** Databases, batch system, directories and gateway of one installation, read from one site file. */
export interface Site {
  /** `embedded`: we own and run the database in `stateDirectory`; `external`: the site's administrators do. */
  readonly kind: 'embedded' | 'external';
  readonly mode: 'production' | 'testbed';
  /** Absolute path of the site file; absent for an embedded site without one. */
  readonly file?: string;
  /** Absolute; 0700; state of SLURP itself: `postgres/`, `submissions/`, `jobs/`, `spool/`, `logs/`, `gateway.json`. */
  readonly stateDirectory: string;
  readonly roles: Readonly<Record<RoleName, Role>>;
  readonly batch: {
    readonly backend: 'local' | 'htcondor';
    /** `historyMs`: how long submissions that have ended are remembered; absent: 30 days. */
    readonly local: { readonly slots: number; readonly historyMs?: number };
    readonly htcondor: HtcondorSite;
  };
  readonly gateway: {
    readonly host: string;
    /** 0: chosen at the first start and kept from then on. */
    readonly port: number;
    /** The address for jobs, where it differs from `http://host:port`. */
    readonly url?: string;
    /** Allows another address than loopback without `tls`. */
    readonly isInsecure: boolean;
    /** Absolute paths of PEM files; then the gateway speaks https. */
    readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
  };
  /** Absolute; where spools come home. */
  readonly spoolDirectory: string;
  readonly logDirectory: string;
  /** Absolute path of the rule file that a loop runs by default. */
  readonly rulesFile?: string;
  readonly payloads: PayloadStore;
  readonly worker: {
    /** How long a report tries to reach the gateway before it is left in the spool. */
    readonly reportTimeoutMs: number;
    /** How long `getinputs` and `getranges` wait for the gateway. */
    readonly inputsTimeoutMs: number;
    /** Shell file sourced with `-n BUILD` before the payload; skipped where it does not exist. */
    readonly setupScript?: string;
    readonly container?: JobContainer;
    /** Whether programs of rules' own run under our launcher, where a rule does not say it. */
    readonly isSupervised: boolean;
  };
  readonly limits: SiteLimits;
  /** For rules without `retry` of their own. */
  readonly retry?: RetryPolicy;
  /** When a node is bad, and how long jobs avoid it. */
  readonly nodes: NodeSettings;
  readonly notify: NotifySettings;
  /** How long an attempt may stay in each state, in ms. */
  readonly deadlines: Deadlines;
  /** How often loops look for the files of the catalog on disk. */
  readonly diskCheckMs: number;
  /** How long a rule's query may run on its server. */
  readonly statementTimeoutMs: number;
}

/** When loops stop submitting, beside the size of the queue. */
export interface SiteLimits {
  /** A schedd that is busier than this (0 to 1) answers late, and every further job makes it worse. */
  readonly busyDutyCycle: number;
  /** So many jobs may wait for each that runs; absent: any number. */
  readonly idlePerRunning?: number;
  /** So many jobs may wait even if fewer run. */
  readonly idleAtLeast: number;
  /** What an output directory must have free. */
  readonly freeBytes: number;
}

/** Who is notified of alarms; every channel that is given gets all of them. */
export interface NotifySettings {
  /** A program and its arguments; it gets JSON on its standard input. */
  readonly command?: readonly string[];
  readonly webhook?: Webhook;
  readonly mail?: MailSettings;
}

/** Where the address of a webhook is. It may hold a token: never print it. */
export type Webhook =
  | { readonly url: string }
  | { readonly env: string }
  /** Relative to the site file. */
  | { readonly file: string; readonly siteFile: string };

/** Mail through the mailer of this machine. */
export interface MailSettings {
  /** Addresses; at least one. */
  readonly to: readonly string[];
  readonly from?: string;
  /** Absolute path of a program that reads a mail with its headers when called with `-t`. */
  readonly program: string;
}

/** Where the snapshots of payloads are, which jobs stage from. */
export interface PayloadStore {
  /** Absolute; of this mode of this site alone, at a place that workers can read. */
  readonly directory: string;
  /** A larger payload is refused. */
  readonly limitBytes: number;
  /** How long a snapshot is kept after the last dispatch that used it. */
  readonly keepMs: number;
}

/** What a site adds to or overrides in submit descriptions, and where its schedds are. */
export interface HtcondorSite {
  /** Submit commands added to every job, or replacing those of a rule; keys in lower case or `+Name`. */
  readonly commands: Readonly<Record<string, string>>;
  readonly maxMaterialize?: number;
  readonly maxIdle?: number;
  /** Jobs in one `condor_submit` at most; absent: what the schedd takes. */
  readonly maxJobsPerSubmission?: number;
  /** Other submit hosts, by `-name`; the local schedd where empty. */
  readonly schedds: readonly string[];
  readonly commandTimeoutMs: number;
}
