import { SlurpError } from '#model/errors.ts';

/** A row of the table of exit codes: the commands end by it, and `docs/exit-codes.md` is made from it. */
export interface ExitCode {
  readonly code: number;
  /** The stage, as operators know it from their dashboards. */
  readonly stage:
    'done' | 'defect' | 'usage' | 'site' | 'input' | 'stage-in' | 'stage-out' | 'database' | 'batch' | 'report';
  /** One sentence, without full stop. */
  readonly meaning: string;
  /** What to do about it; one sentence, without full stop. */
  readonly remedy: string;
  /** The `kind` of the errors that end so. */
  readonly kind?: SlurpError['kind'];
  /** The beginnings of `SlurpError.code` that end so; where absent, all other errors of that kind do. */
  readonly errorCodes?: readonly string[];
}

/**
 * Every exit code of every command; for one `kind`, rows with `errorCodes` stand before the row without. The page
 * `docs/exit-codes.md` is made from this table.
 */
export const exitCodes: readonly ExitCode[] = [
  { code: 0, stage: 'done', meaning: 'It worked, or there was nothing to do', remedy: 'Nothing' },
  {
    code: 1,
    stage: 'defect',
    meaning: 'Internal error in SLURP',
    remedy: 'Run it again with `--debug` and report what it prints',
  },
  {
    code: 2,
    stage: 'usage',
    kind: 'usage',
    meaning: 'The command was called with invalid options or values',
    remedy: 'Read the message, and the help that `--help` prints',
  },
  {
    code: 3,
    stage: 'site',
    kind: 'site',
    meaning: 'The site is not usable: its file, a directory, disk space, the payload checkout',
    remedy: 'Report it to the operator of the site; `slurp status` shows its state',
  },
  {
    code: 11,
    stage: 'input',
    kind: 'rule',
    errorCodes: ['rule-query', 'rule-columns'],
    meaning: "A rule's query is wrong: its SQL, a column that is missing, an invalid row",
    remedy: 'Fix the query; `kaedama --print-query` shows it as it is sent',
  },
  {
    code: 10,
    stage: 'input',
    kind: 'rule',
    meaning: 'A rule file cannot be read, or a rule in it is wrong',
    remedy: 'Fix the rule; `kaedama --check` lists all errors of a file at once',
  },
  {
    code: 12,
    stage: 'input',
    kind: 'input',
    meaning: 'Another input file is not usable: a run list, a spool',
    remedy: 'Fix the file that the message names',
  },
  {
    code: 21,
    stage: 'stage-in',
    kind: 'gateway',
    errorCodes: ['gateway-refused'],
    meaning: 'The gateway refused what the job asked for',
    remedy: "Check whether the job's attempt was retired, and whether it has its own token",
  },
  {
    code: 22,
    stage: 'stage-in',
    meaning: "The wrapper could not copy something that the rule's list of files names",
    remedy: "Read the job's message: it names what is missing in the directory of the submission",
  },
  {
    code: 23,
    stage: 'stage-in',
    meaning: "The job's script is not among the files that were copied, or cannot be run",
    remedy: 'Compare `script` and `rsync` in the rule',
  },
  {
    code: 24,
    stage: 'stage-in',
    meaning: 'The job is not wanted: its attempt was retired or had ended before, so it did not run',
    remedy: 'Nothing; another attempt makes the product, or made it',
  },
  {
    code: 25,
    stage: 'stage-in',
    meaning: 'The worker node has no Node, or the job has no `cups`',
    remedy: 'Set SLURP_NODE in the environment of the jobs, or put `node` on the PATH of the node',
  },
  {
    code: 26,
    stage: 'stage-in',
    meaning: 'The worker node has no container runtime, or lacks the image that the site file names',
    remedy: 'Compare `worker.container` in the site file with what that node has',
  },
  {
    code: 30,
    stage: 'stage-out',
    kind: 'transfer',
    meaning: 'A file could not be copied, verified or renamed to its final name',
    remedy: 'Check space and permissions of the directory that the message names',
  },
  {
    code: 31,
    stage: 'stage-out',
    kind: 'gateway',
    errorCodes: ['gateway-registration-refused'],
    meaning: 'The file is in place, but the gateway refused to register it',
    remedy: 'Read the reason in the message or in `slurp refused`, remove the cause, and redo the job',
  },
  {
    code: 41,
    stage: 'database',
    kind: 'database',
    errorCodes: ['database-away'],
    meaning: 'A database does not answer',
    remedy: 'Check whether it is running, then try again',
  },
  {
    code: 40,
    stage: 'database',
    kind: 'database',
    meaning: 'A database rejected a statement',
    remedy: 'Read the message; missing permissions and migrations are the usual causes',
  },
  {
    code: 51,
    stage: 'batch',
    kind: 'batch',
    errorCodes: ['batch-unknown', 'batch-no-answer'],
    meaning: 'The batch system did not answer, or its answer was not understood; the jobs may exist or not',
    remedy: 'Nothing is submitted twice: run the command again, it checks first',
  },
  {
    code: 50,
    stage: 'batch',
    kind: 'batch',
    meaning: 'The batch system refused the jobs',
    remedy: 'Read the reason in the message; no job of that submission exists',
  },
  {
    code: 60,
    stage: 'report',
    kind: 'gateway',
    errorCodes: ['gateway-report-refused'],
    meaning: 'The gateway refused a report of the job, and will not accept it later',
    remedy: 'Read the reason in the message or in `slurp refused`; the report is in the spool of the job',
  },
  {
    code: 20,
    stage: 'stage-in',
    kind: 'gateway',
    meaning: 'The gateway did not answer, so the job does not know its inputs',
    remedy: 'Check that `slurp serve` is running and can be reached from that node',
  },
  {
    code: 130,
    stage: 'usage',
    meaning: 'It was interrupted (SIGINT)',
    remedy: 'Run it again: what was started is finished or taken back',
  },
  {
    code: 143,
    stage: 'usage',
    meaning: 'Ended by SIGTERM',
    remedy: 'Run it again: what was started is finished or taken back',
  },
];

/** Errors of the operating system that the operator of the site can fix. */
const siteErrnos: ReadonlySet<string> = new Set([
  'EACCES',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]);

/** Tells the `code` of an operating system error (`ENOSPC`, …), if it is one that a site can fix; never throws. */
export function siteErrnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && 'errno' in error) {
    return siteErrnos.has(error.code) ? error.code : undefined;
  }
  return undefined;
}

/**
 * Maps an error to the exit code of a command.
 *
 * @returns 1 for what is not an error of ours and none of the operating system's known ones; never 0; never throws
 * @see docs/exit-codes.md
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof SlurpError) {
    const row = exitCodes.find(
      ({ kind, errorCodes }) =>
        kind === error.kind && (errorCodes?.some((beginning) => error.code.startsWith(beginning)) ?? true),
    );
    return row?.code ?? 1;
  }
  return siteErrnoOf(error) === undefined ? 1 : 3;
}
