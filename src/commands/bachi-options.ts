import { parseArguments } from '#cli/parse-arguments.ts';
import { UsageError } from '#model/errors.ts';
import { datasetWords } from '#model/job/job-event.ts';

import { parseInstant } from './parse-instant.ts';

import type { CommandSpec, OptionSpec } from '#cli/parse-arguments.ts';
import type { DatasetDetail } from '#model/job/job-event.ts';

/** A command line of `bachi` that is valid: help, or one event of a dataset. */
export type BachiCall =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'tell';
      readonly detail: DatasetDetail;
      /** UTC, ISO 8601 with milliseconds. */
      readonly at: string;
      readonly isVerbose: boolean;
    };

const globalOptions: readonly OptionSpec[] = [
  { names: ['--blame'], takes: 'one', help: 'who reports it; default bachi' },
  { names: ['--timestamp'], takes: 'one', help: 'when it happened, in UTC unless it has a time zone; default now' },
  { names: ['--verbose', '-v'], takes: 'nothing', help: 'print more on stderr' },
  { names: ['--help', '-h'], takes: 'nothing', help: 'print this help' },
];

const parent: OptionSpec = { names: ['--parent'], takes: 'one', help: 'what it was made from' };

const help: Readonly<Record<DatasetDetail['word'], string>> = {
  created: 'work on the dataset has begun',
  updated: 'one more file is in it',
  finalized: 'it is complete',
  broken: 'it should not be used',
};

const commands: ReadonlyMap<string, CommandSpec> = new Map(
  Object.entries(help).map(([word, text]) => [
    word,
    {
      help: text,
      options: word === 'created' ? [parent] : [],
      positionals: ['DSTNAME', 'RUN'],
      optionalPositionals: ['LASTRUN'],
    },
  ]),
);

/**
 * Reads the command line of `bachi`.
 *
 * @throws UsageError (`usage-…`) that names the option and what was expected
 * @see docs/commands/bachi.md
 */
export function parseBachi(argv: readonly string[], now: Date = new Date()): BachiCall {
  const parsed = parseArguments(argv, globalOptions, commands);
  if (parsed.kind === 'help') return { kind: 'help' };
  if (parsed.kind === 'complaint') throw complaintOf(parsed.message);
  const { options, positionals } = parsed;
  const [dstname = '', run = '', lastRun] = positionals;
  const word = wordOf(parsed.command);
  if (dstname === '') throw complaintOf('DSTNAME must not be empty');
  const source = options.get('--parent')?.[0];
  return {
    kind: 'tell',
    at: parseInstant(options.get('--timestamp')?.[0], now),
    isVerbose: options.has('--verbose'),
    detail: {
      kind: 'dataset',
      word,
      dstname,
      run: runOf('RUN', run),
      ...(lastRun === undefined ? {} : { lastRun: runOf('LASTRUN', lastRun) }),
      ...(source === undefined || source === '' ? {} : { parent: source }),
      blame: options.get('--blame')?.[0] ?? 'bachi',
    },
  };
}

/** Says a field of the report as the command line does. */
export function argumentOf(path: string): string {
  const known: Readonly<Record<string, string>> = {
    ...{ at: '--timestamp', cupsid: 'cupsid', start: 'SLURP_START' },
    ...{ 'detail.dstname': 'DSTNAME', 'detail.run': 'RUN', 'detail.lastRun': 'LASTRUN' },
    ...{ 'detail.parent': '--parent', 'detail.blame': '--blame' },
  };
  return known[path] ?? path;
}

function wordOf(name: string | undefined): DatasetDetail['word'] {
  const word = datasetWords.find((known) => known === name);
  if (word === undefined) throw complaintOf(`A subcommand is missing: expected one of ${datasetWords.join(', ')}`);
  return word;
}

function runOf(what: string, text: string): number {
  if (!/^\s*\d{1,10}\s*$/u.test(text)) throw complaintOf(`The ${what} is '${text}': expected a run number`);
  return Number(text);
}

function complaintOf(message: string): UsageError {
  return new UsageError(message, { code: 'usage-arguments', advice: "'bachi --help' lists the options" });
}

/** Renders what `--help` prints: usage, subcommands and options, one per line. */
export function renderBachiHelp(): string {
  const lines = [
    'usage: bachi [--blame WHO] [--timestamp T] SUBCOMMAND DSTNAME RUN [LASTRUN]',
    '',
    'Reports the state of a dataset: the files of one name over a run, or over the runs from RUN to LASTRUN.',
    '',
    ...Object.entries(help).map(([word, text]) => `  ${word.padEnd(22)}${text}`),
    '',
    ...[...globalOptions, parent].map((option) => `  ${option.names.join(', ').padEnd(22)}${option.help ?? ''}`),
  ];
  return `${lines.join('\n')}\n`;
}
