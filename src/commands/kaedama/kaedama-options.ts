import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { InvalidArgumentError, Option } from 'commander';

import { markExclusive, putOptionCheck } from '#cli/option-constraints.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { makeListParser, parseCount } from '#cli/value-parsers.ts';
import { InputError } from '#model/errors.ts';
import { jobStates } from '#model/job/job-state.ts';
import { defaultRunOptions } from '#model/run-options.ts';
import { defaultRuns, parseRunlist, parseRuns, parseSegments } from '#model/run-selection.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';
import { readAccountName } from '#util/process/read-account-name.ts';
import { decodeText } from '#util/text/decode-text.ts';

import type { Command } from 'commander';

import type { CursorWish } from '#dispatch/cursor-order.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { Parsed, RunSelection } from '#model/run-selection.ts';
import type { PassWish } from '#pass/run-pass.ts';

/** The checked command line of `kaedama`: paths are absolute, numbers are parsed, options are consistent. */
export interface KaedamaRequest {
  /** Absolute path of the rule file. */
  readonly config: string;
  readonly rule: string;
  /** What the rule is asked for; the cursor is not read yet, and the mode not known. */
  readonly options: RunOptions;
  /** The cursor was named on the command line, so that even `--print-query` reads it. */
  readonly isCursorNamed: boolean;
  readonly action: KaedamaAction;
  /** What a dispatch is to do beside dispatching. */
  readonly wish: PassWish;
  readonly site?: string;
  readonly logDirectory?: string;
  readonly isJson: boolean;
  /** Asks nothing, and does not report what is blocked. */
  readonly isBatch: boolean;
  /** `--yes`: the answer to whatever would be asked. */
  readonly isYes: boolean;
  /** For the last line of the log. */
  readonly docstring?: string;
  /** What is to be said about the options themselves, one sentence each. */
  readonly notes: readonly string[];
}

/** Which of the things that kaedama can do. */
export type KaedamaAction =
  | { readonly kind: 'dispatch' }
  | { readonly kind: 'plan' }
  | { readonly kind: 'print-query' }
  | { readonly kind: 'check' }
  /** Writes the submit file and its items into a directory (absolute), for reading. */
  | { readonly kind: 'dump'; readonly directory: string }
  /** `isRunChosen`: `--runs` or `--runlist` was given as well. */
  | { readonly kind: 'why'; readonly run: number; readonly segment?: number; readonly isRunChosen: boolean };

/** The options as the option parser leaves them. */
interface RawOptions {
  readonly config: string;
  readonly rule: string;
  readonly runs?: readonly string[];
  readonly runlist?: string;
  readonly segments?: readonly string[];
  readonly limit: number;
  readonly maxjobs?: number;
  readonly nevents: number;
  readonly experimentMode: string;
  readonly dbtag?: string;
  readonly mem?: string;
  readonly mask?: readonly string[];
  readonly inputDataset?: string;
  readonly printQuery?: true;
  readonly check?: true;
  readonly plan?: true;
  readonly submit: boolean;
  readonly json?: true;
  readonly why?: readonly number[];
  readonly site?: string;
  readonly logdir?: string;
  readonly batch?: true;
  readonly doit?: true;
  readonly unblockState?: readonly JobState[];
  readonly resubmit?: true;
  readonly yes?: true;
  readonly dbinput: boolean;
  readonly markHeldJobs?: true;
  readonly clearHeldJobs?: true;
  readonly advanceCursor?: true;
  readonly ratchetCursor?: true;
  readonly setCursor?: number;
  readonly batchName?: string;
  readonly docstring?: string;
  readonly testMode?: true;
  readonly mangleDstname?: string;
  readonly mangleDirpath?: string;
  readonly appendToRsync?: string;
  readonly dump?: true | string;
}

const examples = `
Examples:
  kaedama --config R.yaml --rule DST_CALO --runs 53534          one run
  kaedama --config R.yaml --rule DST_CALO --runs 53500 53600    a range
  kaedama --config R.yaml --rule DST_CALO --runs 53534 53540 0  a list
  kaedama --config R.yaml --rule DST_CALO --runs 53534 --plan   change nothing
  kaedama --config R.yaml --rule DST_CALO --why 53534 12

It exits with 0 if it worked, also if there was nothing to do.`;

/** Makes the option parser of `kaedama`. */
export function makeKaedamaProgram(): Command {
  const program = makeProgram(
    'kaedama',
    'Dispatches one rule, once: finds what is missing, and submits one job for each.',
  )
    .requiredOption('--config <rule-file>', 'rule file')
    .option('--rule <name>', 'rule in that file', 'DST_EVENT')
    .option('--runs <run...>', "a run; a range A B; a list of three or more; 'cursor' [N]")
    .option('--runlist <file>', 'runs from a file, instead of --runs')
    .option('--segments <segment...>', 'a segment; a range A B; a list of three or more')
    .option('--limit <n>', 'rows of the query, and jobs, at most (0: all)', parseCount, 0)
    .option('--maxjobs <n>', 'jobs at most', parseCount)
    .option('-n, --nevents <n>', 'events for each job to process (0: all)', parseCount, 0)
    .option('--experiment-mode <mode>', '{mode} in the rule', 'physics')
    .option('--dbtag <tag>', "instead of the rule's params.dbtag")
    .option('--input-dataset <name>', "instead of the rule's params.dataset")
    .option('--mem <size>', "instead of the rule's params.mem")
    .option('--mask <word...>', 'words to remove from params.required')
    .option('--plan', 'print what would be dispatched, change nothing')
    .option('--no-submit', 'the same, old name')
    .option('--submit', 'dispatch (as without it)')
    .option('--why <run...>', 'explain what happens to RUN [SEGMENT], and why', makeListParser(parseCount))
    .option('--check', 'check every rule of the file; touches no database')
    .option('--print-query', "print the rule's finished SQL; touches no database")
    .option('--json', 'print JSON')
    .option('--site <path>', 'site file or directory (default: the nearest one)')
    .option('--logdir <directory>', 'directory of the log file')
    .option('--batch', 'ask no questions')
    .addOption(
      new Option('-u, --unblock-state <state...>', 'redo what is in these states; the old attempt is retired').choices(
        jobStates,
      ),
    )
    .option('-r, --resubmit', 'redo what already exists (finished products: with -u finished)')
    .option('--yes', 'answer yes to all questions')
    .option('--mark-held-jobs', 'record which jobs of the production are held, and why')
    .option('--clear-held-jobs', 'remove them from the queue')
    .option('--advance-cursor', 'move the cursor up to the lowest run that is not finished')
    .option('--ratchet-cursor', 'move the cursor up to the highest run that is submitted')
    .option('--set-cursor <run>', 'move the cursor to this run, also backwards', parseCount)
    .option('--batch-name <name>', 'name of the jobs in the batch system', parseBatchName)
    .option('--docstring <text>', 'a note for the log')
    .option('--test-mode', 'rename directories as in a testbed')
    .option('--mangle-dstname <word>', "instead of 'DST' in the rule's params.name")
    .option('--mangle-dirpath <word>', "instead of 'production' in directories")
    .option('--append-to-rsync <list>', 'more files to stage, comma-separated')
    .option('--dump [directory]', 'write what would be submitted, for inspection; submit nothing')
    .option('--no-dbinput', 'no longer has any effect')
    .option('--dbinput', 'inputs reach jobs through the database (always)')
    .option('--doit', 'also submit from a payload that is not published')
    .addHelpText('after', examples)
    .action(() => undefined);
  markExclusive(program, ['--check', '--print-query', '--why', '--dump']);
  markExclusive(program, ['--advance-cursor', '--ratchet-cursor', '--set-cursor']);
  markExclusive(program, ['--runs', '--runlist']);
  return program;
}

/** Returns what is known of the options of `kaedama`, for files that contain such options. */
export function readKaedamaOptionForms(): {
  readonly isManyValued: (option: string) => boolean;
  readonly isKnown: (option: string) => boolean;
} {
  const { options } = makeKaedamaProgram();
  const known = new Map(options.map((option) => [option.long, option.variadic]));
  return { isManyValued: (option) => known.get(option) === true, isKnown: (option) => known.has(option) };
}

/**
 * Reads the command line of `kaedama` (and the run list it names).
 *
 * @param argv without the name of the command; a stray word `submit`, which old loops pass, is passed over
 * @returns undefined after `--help` and `--version`
 * @throws UsageError for options that make no sense, all reasons at once; InputError for a run list that cannot be used
 */
export async function readKaedamaRequest(
  argv: readonly string[],
  place: { readonly cwd: string; readonly now: string },
): Promise<KaedamaRequest | undefined> {
  let made: readonly [RawOptions, KaedamaRequest] | undefined;
  // Behind an option it may be its value; elsewhere an option with several values would take it.
  const words = argv.filter((word, index) => word !== 'submit' || argv[index - 1]?.startsWith('-') === true);
  const program = makeKaedamaProgram();
  putOptionCheck(program, () => {
    const problems: string[] = [];
    const raw: RawOptions = program.opts();
    made = [raw, makeRequest(raw, place, problems)];
    return problems;
  });
  await parseProgram(program, words);
  if (made === undefined) return undefined;
  const [{ runlist }, request] = made;
  if (runlist === undefined) return request;
  const runs = await readRunlist(resolve(place.cwd, runlist));
  return { ...request, options: { ...request.options, runs } };
}

/** @param problems gets what is wrong with the options together, and with lists as a whole */
function makeRequest(
  raw: RawOptions,
  place: { readonly cwd: string; readonly now: string },
  problems: string[],
): KaedamaRequest {
  const select = <T>(
    option: string,
    words: readonly string[] | undefined,
    parse: (words: readonly string[]) => Parsed<T>,
  ): T | undefined => {
    const parsed = words === undefined ? undefined : parse(words);
    if (parsed?.kind === 'invalid') problems.push(...parsed.reasons.map((reason) => `${option}: ${reason}`));
    return parsed?.kind === 'selection' ? parsed.selection : undefined;
  };
  const runs = select('--runs', raw.runs, parseRuns);
  const segments = select('--segments', raw.segments, parseSegments);
  const action = makeAction(raw, place.cwd, problems);
  const { maxjobs: maxJobs } = raw;
  const cursor = makeCursorWish(raw);
  if (raw.resubmit === true && raw.batch === true && raw.yes !== true && action.kind === 'dispatch') {
    problems.push('--resubmit: it replaces existing files, so --batch also needs --yes');
  }
  const options: RunOptions = {
    ...defaultRunOptions,
    submitDirectory: place.cwd,
    now: place.now,
    // A question about one run does not need a decision about all others.
    runs: runs ?? (action.kind === 'why' ? { kind: 'one', run: action.run } : defaultRuns),
    ...present({ segments }),
    limit: raw.limit,
    nevents: raw.nevents,
    unblock: [...new Set(raw.unblockState)],
    ...makeOverrides(raw),
    args: { maxjobs: String(maxJobs ?? 'None'), batch: raw.batch === true ? 'True' : 'False' },
  };
  return {
    config: resolve(place.cwd, raw.config),
    rule: raw.rule,
    options,
    isCursorNamed: raw.runs?.[0] === 'cursor',
    action,
    wish: {
      ...present({ maxJobs, cursor }),
      isForced: raw.doit === true,
      isMarkingHeld: raw.markHeldJobs === true,
      isClearingHeld: raw.clearHeldJobs === true,
      by: readAccountName(),
    },
    ...present({ site: raw.site }),
    ...(raw.logdir === undefined ? {} : { logDirectory: resolve(place.cwd, raw.logdir) }),
    isJson: raw.json === true,
    isBatch: raw.batch === true,
    isYes: raw.yes === true,
    ...present({ docstring: raw.docstring }),
    notes: raw.dbinput ? [] : ["'--no-dbinput' has no effect: jobs always ask for their inputs"],
  };
}

function parseBatchName(name: string): string {
  if (/^.*\S.*$/u.test(name)) return name;
  throw new InvalidArgumentError(`'${name}' is not a name: expected a string in one line`);
}

/** What stands instead of something in the rule, as given. */
function makeOverrides(raw: RawOptions): Partial<RunOptions> {
  const { dbtag, mem, inputDataset, batchName, mangleDstname, mangleDirpath, appendToRsync } = raw;
  return {
    experimentMode: raw.experimentMode,
    mask: raw.mask ?? [],
    isResubmit: raw.resubmit === true,
    isTestbed: raw.testMode === true,
    ...present({ dbtag, mem, inputDataset, batchName, mangleDstname, mangleDirpath, appendToRsync }),
  };
}

function makeCursorWish({ advanceCursor, ratchetCursor, setCursor }: RawOptions): CursorWish | undefined {
  if (advanceCursor === true) return { kind: 'advance' };
  if (ratchetCursor === true) return { kind: 'ratchet' };
  return setCursor === undefined ? undefined : { kind: 'set', run: setCursor };
}

/** @throws InputError where the list cannot be read, or is none */
async function readRunlist(file: string): Promise<RunSelection> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new InputError(`Cannot read the run list '${file}': ${describeError(cause, file)}`, {
      code: 'input-runlist-unreadable',
      cause,
      advice: 'Give the path of a file with one run per line',
    });
  }
  // Latin-1 in a comment does no harm; anywhere else it is not a run.
  const parsed = parseRunlist(decodeText(bytes).text);
  if (parsed.kind === 'selection') return parsed.selection;
  throw new InputError(`The run list '${file}' cannot be used`, {
    code: 'input-runlist',
    complaints: parsed.reasons,
    advice: 'Expected runs separated by spaces, commas or line breaks; # starts a comment',
  });
}

function makeAction(raw: RawOptions, cwd: string, problems: string[]): KaedamaAction {
  if (raw.check === true) return { kind: 'check' };
  if (raw.printQuery === true) return { kind: 'print-query' };
  if (raw.why !== undefined) {
    const [run = 0, segment, ...more] = raw.why;
    if (more.length > 0)
      problems.push(`--why: '${raw.why.join(' ')}' has too many values: expected a run and at most a segment`);
    const isRunChosen = raw.runs !== undefined || raw.runlist !== undefined;
    return { kind: 'why', run, ...present({ segment }), isRunChosen };
  }
  if (raw.dump !== undefined) return { kind: 'dump', directory: resolve(cwd, raw.dump === true ? '.' : raw.dump) };
  return raw.plan === true || !raw.submit ? { kind: 'plan' } : { kind: 'dispatch' };
}
