import type { JobState } from './job/job-state.ts';
import type { RunSelection, SegmentSelection } from './run-selection.ts';

/** What a dispatch is asked for beside the rule: the options of the command line, as plain values. */
export interface RunOptions {
  /** Absolute; the directory from which the operator submits: `{PWD}`, and where relative paths of a rule begin. */
  readonly submitDirectory: string;
  readonly runs: RunSelection;
  /** The production's cursor; read only where {@link RunSelection} is a cursor, 0 where there is none. */
  readonly cursor: number;
  readonly segments?: SegmentSelection;
  /** `--limit`: 0 is no limit. */
  readonly limit: number;
  /** `--nevents`: 0 is all. */
  readonly nevents: number;
  /** `--experiment-mode`: `{mode}`. */
  readonly experimentMode: string;
  /** `--dbtag`: replaces `params.dbtag`. */
  readonly dbtag?: string;
  /** `--mem`: replaces `params.mem`. */
  readonly mem?: string;
  /** `--input-dataset`: replaces `params.dataset`, which must exist. */
  readonly inputDataset?: string;
  /** `--mask`: words that are taken out of `params.required`. */
  readonly mask: readonly string[];
  /** `--batch-name`: replaces the job's `batch_name`. */
  readonly batchName?: string;
  /** `--mangle-dstname`: replaces `DST` in the name. */
  readonly mangleDstname?: string;
  /** `--mangle-dirpath`: replaces `production` in directories; in a testbed `production-testbed`. */
  readonly mangleDirpath?: string;
  /** `--append-to-rsync`: more files to stage, comma-separated. */
  readonly appendToRsync?: string;
  /** Testbed mode, or `--test-mode`. */
  readonly isTestbed: boolean;
  /** Inputs reach the job through the gateway; else as comma-separated arguments. */
  readonly isDbinput: boolean;
  /** `--resubmit`. */
  readonly isResubmit: boolean;
  /** `--unblock-state`. */
  readonly unblock: readonly JobState[];
  /** When this is asked; ISO 8601 UTC with `Z`. */
  readonly now: string;
  /** Further options by their name with underscores, for `{args.name}` in rules. */
  readonly args: Readonly<Record<string, string>>;
}

/** The options of a command line that has none; add `submitDirectory` and `now`. */
export const defaultRunOptions: Omit<RunOptions, 'submitDirectory' | 'now'> = {
  runs: { kind: 'cursor' },
  cursor: 0,
  limit: 0,
  nevents: 0,
  experimentMode: 'physics',
  mask: [],
  isTestbed: false,
  isDbinput: true,
  isResubmit: false,
  unblock: [],
  args: {},
};
