import { Option } from 'commander';

import { makeProgram, parseProgram } from '#cli/program.ts';
import { parseCount, parseFilled, parseInstant, parseWholeNumber } from '#cli/value-parsers.ts';
import { UsageError } from '#model/errors.ts';
import { errorFlags, flagOf } from '#model/job/error-flags.ts';
import { present } from '#util/present.ts';

import type { Command } from 'commander';

import type { JobEventDetail } from '#model/job/job-event.ts';

/** A command line of `cups` that is valid: one action with what all have. */
export type CupsCall = CupsCommon & CupsAction;

/** Options that every subcommand of `cups` takes; a run or segment counts from 0. */
export interface CupsCommon {
  /** Absent where `stageout` leaves it to the file's name or the attempt; so are the next two. */
  readonly run?: number;
  readonly segment?: number;
  readonly dstname?: string;
  readonly isVerbose: boolean;
  /** False: nothing is reported, neither to the spool nor to the gateway. */
  readonly isUpdate: boolean;
  /** UTC, ISO 8601 with milliseconds. */
  readonly at: string;
}

/** One subcommand of `cups` with its own values, parsed; a union by `kind`. */
export type CupsAction =
  | { readonly kind: 'info'; readonly options: readonly (readonly [string, string])[] }
  | { readonly kind: 'started' }
  | { readonly kind: 'report'; readonly detail: JobEventDetail }
  | { readonly kind: 'inputs' | 'ranges' }
  | {
      readonly kind: 'stageout';
      readonly file: string;
      readonly directory: string;
      readonly retries: number;
      readonly host: string;
      readonly dataset?: string;
      readonly dsttype?: string;
      /** Absent: not given. */
      readonly nevents?: number;
      readonly isIncrement: boolean;
    };

/** The options as the option parser leaves them; each subcommand has some of them. */
interface CupsValues {
  readonly run?: number;
  readonly segment?: number;
  readonly dstname?: string;
  readonly dstfile?: string;
  readonly verbose?: true;
  readonly update: boolean;
  readonly timestamp?: string;
  readonly exit?: number;
  readonly nsegments?: number;
  readonly nevents?: number;
  readonly inc?: true;
  /** `true`: given without a value. */
  readonly files?: true | readonly string[];
  readonly flag?: number;
  readonly logsize?: number;
  readonly error?: string;
  readonly retries: number;
  readonly hostname: string;
  readonly dataset?: string;
  readonly dsttype?: string;
}

/** Subcommands of older systems: scripts may still call them. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['catalog', "outputs are registered by 'cups stageout'"],
  ['stagein', 'it was never implemented; inputs are read in place'],
  ['execute', 'the wrapper runs and supervises the script'],
  ['quality', 'quality records are not supported yet'],
]);

const aboutExit = 'exit code; above 0, the job failed';

/** Makes the option parser of `cups`. @param take gets the call that was typed, once */
export function makeCupsProgram(take: (call: CupsCall) => void, now = new Date()): Command {
  const program = makeProgram('cups', 'Reports the progress of a job, asks for its inputs, delivers its outputs.')
    .requiredOption('-r, --run <run>', 'run number', parseCount)
    .requiredOption('-s, --segment <segment>', 'segment number', parseCount)
    .requiredOption('-d, --dstname <dstname>', 'name of the product, e.g. DST_CALO_run2pp_ana437_2024p007')
    .option('-v, --verbose', 'print more on stderr')
    .addOption(new Option('-t, --table <table>', 'where reports go').choices(['production_status']))
    .option('--no-update', 'report nothing')
    .option('--timestamp <time>', 'when it happened, in UTC unless it has a time zone (default: now)', parseInstant)
    .addOption(new Option('--dstfile <name>').hideHelp());

  const add = (
    name: string,
    description: string,
    actionFrom: (values: CupsValues, operands: readonly string[]) => CupsAction,
  ): Command => {
    const command = program.command(name).description(description);
    return command.action(() => {
      const values: CupsValues = command.optsWithGlobals();
      take({ ...commonFrom(values, now), ...actionFrom(values, command.args) });
    });
  };
  const report = (name: string, description: string, detailFrom: (values: CupsValues) => JobEventDetail): Command =>
    add(name, description, (values) => ({ kind: 'report', detail: detailFrom(values) }));

  const info = add('info', 'print what this job knows about itself', (values) => ({
    kind: 'info',
    options: Object.entries(values)
      .filter(([name]) => info.getOptionValueSourceWithGlobals(name) === 'cli')
      .map(([name, value]) => [name, String(value)]),
  }));
  add('started', 'the job has started', () => ({ kind: 'started' }));
  report('running', 'the macro starts; may be repeated', ({ nsegments }) => ({
    kind: 'running',
    ...present({ nsegments }),
  })).option('--nsegments <n>', 'number of segments made', parseCount);
  withEvents(
    report('finished', 'the job has ended', (values) => ({
      kind: 'finished',
      ...present({ exitCode: values.exit, nsegments: values.nsegments, nevents: values.nevents }),
      ...(values.nevents === undefined ? {} : incrementOf(values)),
    }))
      .option('-e, --exit <code>', aboutExit, parseWholeNumber)
      .option('--nsegments <n>', 'number of segments made', parseCount),
  );
  report('exitcode', 'the macro has ended', ({ exit = -1 }) => ({ kind: 'exitcode', exitCode: exit })).option(
    '-e, --exit <code>',
    aboutExit,
    parseWholeNumber,
  );
  withEvents(
    report('nevents', 'the number of events so far', (values) => ({
      kind: 'nevents',
      nevents: values.nevents ?? 0,
      ...incrementOf(values),
    })),
  );
  add('getinputs', 'print the input files, one a line', () => ({ kind: 'inputs' }));
  add('getranges', 'print the event ranges of the input files, one a line', () => ({ kind: 'ranges' }));
  report('inputs', 'the files that are actually used', ({ files }) => ({
    kind: 'inputs',
    files: files === undefined || files === true ? [] : files,
  })).requiredOption('--files [path...]', 'paths');
  add('message', 'a message, an error condition, the size of the log', (values, [text = '']) => ({
    kind: 'report',
    detail: messageFrom(values, text),
  }))
    .argument('<TEXT>', 'message')
    .option('--flag <bits>', 'bits to set in the flags', parseCount)
    .option('--logsize <kB>', 'size of the log in kB', parseCount)
    .addOption(new Option('--error <condition>', 'name of an error condition').choices(Object.keys(errorFlags)));
  withStageOutOptions(
    add('stageout', 'copy a file to its destination, verify it, register it, remove the local one', stageOutFrom),
  );
  return program;
}

/** Options of reports that may carry a number of events. */
function withEvents(command: Command): Command {
  return command
    .option('--nevents <n>', 'number of events', parseWholeNumber)
    .option('--inc', 'add the events instead of setting them');
}

function withStageOutOptions(command: Command): Command {
  const fallback = "default: from the file's name, or from the attempt";
  return withEvents(command)
    .argument('<FILE>', 'path', parseFilled)
    .argument('<OUTDIR>', 'directory', parseFilled)
    .option('-r, --run <run>', `run number (${fallback})`, parseCount)
    .option('-s, --segment <segment>', `segment number (${fallback})`, parseCount)
    .option('-d, --dstname <dstname>', `name of the product (${fallback})`)
    .option('--retries <n>', 'retries after a temporary error', parseCount, 5)
    .addOption(new Option('--hostname <host>', 'file system').choices(['lustre', 'gpfs']).default('lustre'))
    .option('--dataset <name>', `build and tag (${fallback})`)
    .option('--dsttype <type>', `type of the product (${fallback})`)
    .addOption(new Option('--prodtype <type>', 'accepted and ignored').choices(['many', 'only']));
}

/**
 * Reads the command line of `cups`.
 *
 * @returns undefined after `--help` and `--version`
 * @throws UsageError with everything that is wrong
 * @see docs/commands/cups.md
 */
export async function readCupsCall(argv: readonly string[], now = new Date()): Promise<CupsCall | undefined> {
  let call: CupsCall | undefined;
  const program = makeCupsProgram((typed) => {
    call = typed;
  }, now);
  try {
    await parseProgram(program, argv);
  } catch (error) {
    const name = error instanceof UsageError ? String(error.facts['subcommand']) : '';
    const instead = elsewhere.get(name);
    if (instead === undefined) throw error;
    throw new UsageError(`'cups ${name}' does not exist: ${instead}`, { code: 'usage-old-subcommand', cause: error });
  }
  return call;
}

function commonFrom(values: CupsValues, now: Date): CupsCommon {
  const { run, segment, dstfile, dstname: given } = values;
  // Scripts of the pi0 calibration say `-d none --dstfile NAME-RUN-…`.
  const dstname = dstfile !== undefined && (given ?? 'none') === 'none' ? dstfile.split('-')[0] : given;
  return {
    ...present({ run, segment, dstname }),
    isVerbose: values.verbose === true,
    isUpdate: values.update,
    at: values.timestamp ?? now.toISOString(),
  };
}

function incrementOf({ inc }: CupsValues): { readonly isIncrement?: true } {
  return inc === true ? { isIncrement: true } : {};
}

function messageFrom({ error, flag: bits, logsize }: CupsValues, text: string): JobEventDetail {
  const flag = error === undefined ? bits : flagOf(error);
  return { kind: 'message', text, ...(flag === 0 ? {} : present({ flag })), ...present({ logsize }) };
}

function stageOutFrom(values: CupsValues, [file = '', directory = '']: readonly string[]): CupsAction {
  const { retries, hostname: host, dataset, dsttype, nevents } = values;
  return {
    kind: 'stageout',
    ...{ file, directory, retries, host, isIncrement: values.inc === true },
    ...present({ dataset, dsttype, nevents }),
  };
}

/** Finds the subcommand of a command line that may make no sense. */
export function subcommandOf(argv: readonly string[]): string | undefined {
  const names = new Set(makeCupsProgram(() => undefined).commands.map((command) => command.name()));
  return argv.find((word) => names.has(word));
}

/** Says a field of a report as the command line does. */
export function optionOf(path: string): string {
  const known: Readonly<Record<string, string>> = {
    ...{ at: '--timestamp', cupsid: 'cupsid', start: 'SLURP_START' },
    ...{ 'detail.exitCode': '--exit', 'detail.nevents': '--nevents', 'detail.nsegments': '--nsegments' },
    ...{ 'detail.flag': '--flag', 'detail.logsize': '--logsize', 'detail.files': '--files', 'detail.text': 'TEXT' },
    ...{ 'detail.file.lfn': 'FILE', 'detail.file.path': 'OUTDIR', 'detail.file.host': '--hostname' },
    ...{ 'detail.file.run': '--run', 'detail.file.segment': '--segment', 'detail.file.events': '--nevents' },
    ...{ 'detail.file.dataset': '--dataset', 'detail.file.dsttype': '--dsttype' },
  };
  return known[path] ?? path;
}
