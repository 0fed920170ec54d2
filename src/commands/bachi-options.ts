import { makeProgram, parseProgram } from '#cli/program.ts';
import { parseCount, parseFilled, parseInstant } from '#cli/value-parsers.ts';
import { datasetWords } from '#model/job/job-event.ts';
import { present } from '#util/present.ts';

import type { Command } from 'commander';

import type { DatasetDetail } from '#model/job/job-event.ts';

/** A command line of `bachi` that is valid: one event of a dataset. */
export interface BachiCall {
  readonly detail: DatasetDetail;
  /** UTC, ISO 8601 with milliseconds. */
  readonly at: string;
  readonly isVerbose: boolean;
}

const descriptions: Readonly<Record<DatasetDetail['word'], string>> = {
  created: 'work on the dataset has begun',
  updated: 'one more file is in it',
  finalized: 'it is complete',
  broken: 'it should not be used',
};

/** Makes the option parser of `bachi`. @param take gets the call that was typed, once */
export function makeBachiProgram(take: (call: BachiCall) => void, now = new Date()): Command {
  const program = makeProgram(
    'bachi',
    'Reports the state of a dataset: the files of one name over a run, or over the runs from RUN to LASTRUN.',
  )
    .option('--blame <who>', 'who reports it', 'bachi')
    .option('--timestamp <time>', 'when it happened, in UTC unless it has a time zone (default: now)', parseInstant)
    .option('-v, --verbose', 'print more on stderr');
  for (const word of datasetWords) {
    const command = program
      .command(word)
      .description(descriptions[word])
      .argument('<DSTNAME>', 'name of the dataset', parseFilled)
      .argument('<RUN>', 'run number', parseCount)
      .argument('[LASTRUN]', 'last run of a range', parseCount);
    if (word === 'created') command.option('--parent <name>', 'what it was made from');
    command.action((dstname: string, run: number, lastRun?: number) => {
      const values: BachiValues = command.optsWithGlobals();
      const parent = values.parent === '' ? undefined : values.parent;
      take({
        detail: { kind: 'dataset', word, dstname, run, blame: values.blame, ...present({ lastRun, parent }) },
        at: values.timestamp ?? now.toISOString(),
        isVerbose: values.verbose === true,
      });
    });
  }
  return program;
}

interface BachiValues {
  readonly blame: string;
  readonly timestamp?: string;
  readonly verbose?: true;
  readonly parent?: string;
}

/**
 * Reads the command line of `bachi`.
 *
 * @returns undefined after `--help` and `--version`
 * @throws UsageError with everything that is wrong
 * @see docs/commands/bachi.md
 */
export async function readBachiCall(argv: readonly string[], now = new Date()): Promise<BachiCall | undefined> {
  let call: BachiCall | undefined;
  const program = makeBachiProgram((typed) => {
    call = typed;
  }, now);
  await parseProgram(program, argv);
  return call;
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
