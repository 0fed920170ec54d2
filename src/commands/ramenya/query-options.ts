import { Option } from 'commander';

import { putOptionCheck } from '#cli/option-constraints.ts';
import { parseCount, parseInstant } from '#cli/value-parsers.ts';
import { queryReportNames } from '#model/report/query-report.ts';
import { parseRuns } from '#model/run-selection.ts';
import { present } from '#util/present.ts';

import type { Command } from 'commander';

import type { QueryReportName, QuerySelection } from '#model/report/query-report.ts';
import type { Parsed } from '#model/run-selection.ts';

/** The options of `ramenya query`, as the option parser names them; absent: not given. */
export interface QueryOptions {
  readonly reports: readonly (QueryReportName | 'none')[];
  readonly runs?: readonly string[];
  readonly dstname?: readonly string[];
  readonly timestart?: string;
  readonly limit: number;
  readonly loop?: true;
  readonly delay: number;
  readonly html?: true;
  readonly json?: true;
  readonly verbose?: true;
}

/** What `ramenya query` is asked for. */
export interface QueryRequest {
  /** In the order asked, each once. */
  readonly names: readonly QueryReportName[];
  /** Rows of each report at most; 0: all. */
  readonly limit: number;
  readonly format: 'text' | 'html' | 'json';
  /** Between two repetitions; absent: once only. */
  readonly delayMs?: number;
  /** The attempts that a report is about, if it is made now. */
  selectFor(name: QueryReportName, now: Date): QuerySelection;
}

/** Where nothing else is said, these show jobs that were submitted in this time; all others are about open jobs. */
const usualSpanMs = 7 * 24 * 3600 * 1000;
const withEnded: ReadonlySet<QueryReportName> = new Set(['started', 'runs', 'failed', 'everything']);

/** A timer that is set for longer goes off at once. */
const longestTimerMs = 2_147_483_647;

/** Declares the options of `ramenya query`. */
export function withQueryOptions(command: Command): Command {
  command
    .addOption(
      new Option('--reports <report...>', 'which')
        .choices([...queryReportNames, 'none'])
        .default(['started'], 'started'),
    )
    .option('--runs <run...>', 'only a run; a range A B; a list of three or more (default: all)')
    .option('--dstname <name...>', 'only these dstnames or dsttypes (default: all)')
    .option('--timestart <time>', 'only jobs submitted later than this, UTC (default: see below)', parseInstant)
    .option('--limit <n>', 'rows of each report at most (0: all)', parseCount, 1000)
    .option('--loop', 'repeat until interrupted')
    .option('--delay <seconds>', 'seconds between two repetitions', parseCount, 300)
    .addHelpText(
      'after',
      `
Without --timestart, pending, clusters, condor and held show all jobs that have
not ended; started, runs, failed and everything those that were submitted in
the last 7 days.`,
    );
  putOptionCheck(command, () => {
    const { runs }: QueryOptions = command.optsWithGlobals();
    const parsed = runs === undefined ? undefined : parseRunsOption(runs);
    return parsed?.kind === 'invalid' ? parsed.reasons.map((reason) => `--runs: ${reason}`) : [];
  });
  return command;
}

/** Makes a request of the options of `ramenya query`. */
export function makeQueryRequest(options: QueryOptions): QueryRequest {
  const parsed = options.runs === undefined ? undefined : parseRunsOption(options.runs);
  const runs = parsed?.kind === 'selection' ? parsed.selection : undefined;
  const timestart = options.timestart === undefined ? undefined : new Date(options.timestart);
  return {
    names: [...new Set(options.reports)].filter((name) => name !== 'none'),
    limit: options.limit,
    format: options.json === true ? 'json' : options.html === true ? 'html' : 'text',
    ...(options.loop === true ? { delayMs: Math.min(options.delay * 1000, longestTimerMs) } : {}),
    selectFor: (name, at) => ({
      names: options.dstname ?? [],
      ...present({
        runs,
        since: timestart ?? (withEnded.has(name) ? new Date(at.getTime() - usualSpanMs) : undefined),
      }),
    }),
  };
}

function parseRunsOption(words: readonly string[]): Parsed<Exclude<QuerySelection['runs'], undefined>> {
  const parsed = parseRuns(words);
  if (parsed.kind === 'invalid') return parsed;
  const { selection } = parsed;
  if (selection.kind !== 'cursor') return { kind: 'selection', selection };
  return { kind: 'invalid', reasons: ["'cursor' belongs to a rule; name the runs instead"] };
}
