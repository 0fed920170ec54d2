import { parseArguments } from '#cli/parse-arguments.ts';
import { UsageError } from '#model/errors.ts';
import { errorFlags, flagOf } from '#model/job/error-flags.ts';
import { assertPresent } from '#util/assert-present.ts';
import { present } from '#util/present.ts';

import { parseInstant } from './parse-instant.ts';

import type { CommandSpec, OptionSpec } from '#cli/parse-arguments.ts';
import type { JobEventDetail } from '#model/job/job-event.ts';

/** A command line of `cups` that is valid: help for all or one subcommand, or one action with what all have. */
export type CupsCall = { readonly kind: 'help'; readonly command?: string } | (CupsCommon & CupsAction);

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

const globalOptions: readonly OptionSpec[] = [
  { names: ['--run', '-r'], takes: 'one', isRequired: true, help: 'run number' },
  { names: ['--segment', '-s'], takes: 'one', isRequired: true, help: 'segment number' },
  {
    names: ['--dstname', '-d'],
    takes: 'one',
    isRequired: true,
    help: 'name of the product, e.g. DST_CALO_run2pp_ana437_2024p007',
  },
  { names: ['--verbose', '-v'], takes: 'nothing', help: 'print more on stderr' },
  { names: ['--table', '-t'], takes: 'one', choices: ['production_status'], help: 'production_status' },
  { names: ['--no-update'], takes: 'nothing', help: 'report nothing' },
  { names: ['--timestamp'], takes: 'one', help: 'when it happened, in UTC unless it has a time zone; default now' },
  { names: ['--dstfile'], takes: 'one' },
  { names: ['--debug'], takes: 'nothing' },
  { names: ['--help', '-h'], takes: 'nothing', help: 'print this help' },
];

const exit: OptionSpec = { names: ['--exit', '-e'], takes: 'one', help: 'exit code; above 0, the job failed' };
const nsegments: OptionSpec = { names: ['--nsegments'], takes: 'one', help: 'number of segments made' };
const nevents: OptionSpec = { names: ['--nevents'], takes: 'one', help: 'number of events' };
const inc: OptionSpec = { names: ['--inc'], takes: 'nothing', help: 'add the events instead of setting them' };

const makeCommand = (
  help: string,
  options: readonly OptionSpec[] = [],
  positionals: readonly string[] = [],
): CommandSpec => ({
  help,
  options,
  positionals,
});

const commands: ReadonlyMap<string, CommandSpec> = new Map([
  ['info', makeCommand('print what this job knows about itself')],
  ['started', makeCommand('the job has started')],
  ['running', makeCommand('the macro starts; may be repeated', [nsegments])],
  ['finished', makeCommand('the job has ended', [exit, nsegments, nevents, inc])],
  ['exitcode', makeCommand('the macro has ended', [exit])],
  ['nevents', makeCommand('the number of events so far', [nevents, inc])],
  ['getinputs', makeCommand('print the input files, one a line')],
  ['getranges', makeCommand('print the event ranges of the input files, one a line')],
  ['inputs', makeCommand('the files that are actually used', [{ names: ['--files'], takes: 'many', help: 'paths' }])],
  [
    'message',
    makeCommand(
      'a message, an error condition, the size of the log',
      [
        { names: ['--flag'], takes: 'one', help: 'bits to set in the flags' },
        { names: ['--logsize'], takes: 'one', help: 'size of the log in kB' },
        { names: ['--error'], takes: 'one', choices: Object.keys(errorFlags), help: 'name of an error condition' },
      ],
      ['TEXT'],
    ),
  ],
  [
    'stageout',
    {
      ...makeCommand(
        'copy a file to its destination, verify it, register it, remove the local one',
        [
          { names: ['--retries'], takes: 'one', help: 'retries after a temporary error; default 5' },
          { names: ['--hostname'], takes: 'one', choices: ['lustre', 'gpfs'], help: 'file system; default lustre' },
          nevents,
          inc,
          {
            names: ['--dataset'],
            takes: 'one',
            help: "BUILD_TAG; default: from the file's name, or from the attempt",
          },
          { names: ['--dsttype'], takes: 'one', help: "default: from the file's name, or from the attempt" },
          { names: ['--prodtype'], takes: 'one', choices: ['many', 'only'], help: 'accepted and ignored' },
        ],
        ['FILE', 'OUTDIR'],
      ),
      notRequired: ['--run', '--segment', '--dstname'],
    },
  ],
]);

/** Subcommands of older systems: scripts may still call them. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['catalog', "outputs are registered by 'cups stageout'"],
  ['stagein', 'it was never implemented; inputs are read in place'],
  ['execute', 'the wrapper runs and supervises the script'],
  ['quality', 'quality records are not supported yet'],
]);

/**
 * Reads the command line of `cups`.
 *
 * @throws UsageError (`usage-…`) that names the option and what was expected
 * @see docs/commands/cups.md
 */
export function parseCups(argv: readonly string[], now: Date = new Date()): CupsCall {
  const parsed = parseArguments(argv, globalOptions, commands);
  if (parsed.kind === 'help') return parsed;
  if (parsed.kind === 'complaint') throw complaintOf(parsed.message, argv);
  const { options } = parsed;
  if (parsed.command === undefined) {
    throw new UsageError(`A subcommand is missing: expected one of ${[...commands.keys()].join(', ')}`, {
      code: 'usage-missing-subcommand',
      advice: "'cups --help' explains them",
    });
  }
  const common: CupsCommon = {
    ...identifiersOf(options),
    isVerbose: options.has('--verbose'),
    isUpdate: !options.has('--no-update'),
    at: parseInstant(textOf(options, '--timestamp'), now),
  };
  return { ...common, ...actionOf(parsed.command, options, parsed.positionals) };
}

function identifiersOf(options: Options): Pick<CupsCommon, 'run' | 'segment' | 'dstname'> {
  const run = countOf(options, '--run');
  const segment = countOf(options, '--segment');
  const dstfile = textOf(options, '--dstfile');
  const given = textOf(options, '--dstname');
  // Scripts of the pi0 calibration say `-d none --dstfile NAME-RUN-…`.
  const dstname = dstfile !== undefined && (given ?? 'none') === 'none' ? dstfile.split('-')[0] : given;
  return present({ run, segment, dstname });
}

type Options = ReadonlyMap<string, readonly string[]>;

function actionOf(name: string, options: Options, positionals: readonly string[]): CupsAction {
  switch (name) {
    case 'started':
      return { kind: 'started' };
    case 'getinputs':
      return { kind: 'inputs' };
    case 'getranges':
      return { kind: 'ranges' };
    case 'stageout':
      return stageOutOf(options, positionals);
    case 'info':
      return {
        kind: 'info',
        options: [...options].map(([key, values]) => [key.replace(/^-+/u, ''), values.join(' ')]),
      };
    default:
      return { kind: 'report', detail: detailOf(name, options, positionals) };
  }
}

function detailOf(name: string, options: Options, positionals: readonly string[]): JobEventDetail {
  const exitCode = numberOf(options, '--exit');
  const segments = countOf(options, '--nsegments');
  const events = numberOf(options, '--nevents');
  const isIncrement = options.has('--inc');
  const told = {
    ...present({ nsegments: segments }),
    ...(events === undefined ? {} : { nevents: events, ...(isIncrement ? { isIncrement } : {}) }),
  };
  switch (name) {
    case 'running':
      return { kind: 'running', ...told };
    case 'finished':
      return { kind: 'finished', ...told, ...present({ exitCode }) };
    case 'exitcode':
      return { kind: 'exitcode', exitCode: exitCode ?? -1 };
    case 'nevents':
      return { kind: 'nevents', nevents: events ?? 0, ...(isIncrement ? { isIncrement } : {}) };
    case 'inputs': {
      const files = options.get('--files');
      if (files === undefined) throw complaintOf("'inputs' needs --files FILE …", []);
      return { kind: 'inputs', files };
    }
    default: {
      const [text = ''] = positionals;
      const error = textOf(options, '--error');
      const flag = error === undefined ? countOf(options, '--flag') : flagOf(error);
      const logsize = countOf(options, '--logsize');
      return {
        kind: 'message',
        text,
        ...(flag === undefined || flag === 0 ? {} : { flag }),
        ...present({ logsize }),
      };
    }
  }
}

function stageOutOf(options: Options, positionals: readonly string[]): CupsAction {
  const dataset = textOf(options, '--dataset');
  const dsttype = textOf(options, '--dsttype');
  const events = numberOf(options, '--nevents');
  const [file = '', directory = ''] = positionals;
  if (file === '' || directory === '') throw complaintOf('FILE and OUTDIR must not be empty', []);
  return {
    kind: 'stageout',
    file,
    directory,
    retries: countOf(options, '--retries') ?? 5,
    host: textOf(options, '--hostname') ?? 'lustre',
    isIncrement: options.has('--inc'),
    ...present({ dataset, dsttype, nevents: events }),
  };
}

function textOf(options: Options, name: string): string | undefined {
  return options.get(name)?.[0];
}

/** A whole number as Python's int() reads it: spaces around, leading zeros, a sign. */
function numberOf(options: Options, name: string): number | undefined {
  const text = textOf(options, name);
  if (text === undefined) return undefined;
  const value = /^\s*[-+]?\d+\s*$/u.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw complaintOf(`Value '${text}' of ${name} is wrong: expected a whole number`, []);
  return value;
}

function countOf(options: Options, name: string): number | undefined {
  const value = numberOf(options, name);
  if (value !== undefined && value < 0)
    throw complaintOf(`Value '${value}' of ${name} is wrong: expected 0 or more`, []);
  return value;
}

function complaintOf(message: string, argv: readonly string[]): UsageError {
  const old = argv.find((word) => elsewhere.has(word));
  if (old !== undefined && message.startsWith(`Unknown subcommand '${old}'`)) {
    return new UsageError(`'cups ${old}' does not exist: ${assertPresent(elsewhere.get(old), 'what replaces it')}`, {
      code: 'usage-old-subcommand',
    });
  }
  return new UsageError(message, { code: 'usage-arguments', advice: "'cups --help' lists the options" });
}

/** Finds the subcommand of a command line that may make no sense. */
export function subcommandOf(argv: readonly string[]): string | undefined {
  return argv.find((word) => commands.has(word));
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

/** The help page, of all or of one subcommand. */
export function renderHelp(name?: string): string {
  const spec = name === undefined ? undefined : commands.get(name);
  const usage = `usage: cups -r RUN -s SEG -d DSTNAME [options] ${name ?? 'SUBCOMMAND'}`;
  const lines =
    spec === undefined
      ? [
          `${usage} …`,
          '',
          'Reports the progress of a job, asks for its inputs, delivers its outputs.',
          '',
          ...[...commands].map(([word, { help }]) => `  ${word.padEnd(22)}${help ?? ''}`),
        ]
      : [[usage, ...spec.positionals].join(' '), '', spec.help ?? '', '', ...renderOptions(spec.options)];
  return `${[...lines, '', ...renderOptions(globalOptions)].join('\n')}\n`;
}

function renderOptions(options: readonly OptionSpec[]): readonly string[] {
  return options.flatMap(({ names, help, choices }) =>
    help === undefined
      ? []
      : [`  ${names.join(', ').padEnd(22)}${help}${choices === undefined ? '' : ` (${choices.join(', ')})`}`],
  );
}
