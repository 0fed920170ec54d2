import { UsageError } from '#model/errors.ts';
import { queryReportNames } from '#model/report/query-report.ts';
import { parseRuns } from '#model/run-selection.ts';
import { findNearestWord } from '#util/find-nearest-word.ts';
import { present } from '#util/present.ts';

import { parseInstant } from '../parse-instant.ts';

import type { QueryReportName, QuerySelection } from '#model/report/query-report.ts';

/** The options of `ramenya query`, as the option parser names them; absent: not given. */
export interface QueryOptions {
  readonly reports?: readonly string[];
  readonly runs?: readonly string[];
  readonly dstname?: readonly string[];
  readonly timestart?: string;
  readonly limit: string;
  readonly loop?: true;
  readonly delay: string;
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

/**
 * Reads the options of `ramenya query`.
 *
 * @throws UsageError for what makes no sense
 */
export function parseQueryOptions(options: QueryOptions, now: Date): QueryRequest {
  const names = parseReportNames(options.reports ?? ['started']);
  const limit = parseNumber('--limit', options.limit);
  const delay = parseNumber('--delay', options.delay);
  if (options.html === true && options.json === true) throw makeNonsense('--html and --json: use only one of them');
  const runs = parseRunsOption(options.runs);
  const timestart =
    options.timestart === undefined ? undefined : new Date(parseInstant(options.timestart, now, '--timestart'));
  return {
    names,
    limit,
    format: options.json === true ? 'json' : options.html === true ? 'html' : 'text',
    ...(options.loop === true ? { delayMs: delay * 1000 } : {}),
    selectFor: (name, at) => ({
      names: options.dstname ?? [],
      ...present({
        runs,
        since: timestart ?? (withEnded.has(name) ? new Date(at.getTime() - usualSpanMs) : undefined),
      }),
    }),
  };
}

/** Reads the names of reports, each once; `none` is no report. @throws UsageError */
function parseReportNames(words: readonly string[]): readonly QueryReportName[] {
  const names = new Set<QueryReportName>();
  for (const word of words) {
    if (word === 'none') continue;
    const name = queryReportNames.find((known) => known === word);
    if (name === undefined) throw makeUnknownReport(word);
    names.add(name);
  }
  return [...names];
}

function makeUnknownReport(word: string): UsageError {
  const near = findNearestWord(word, queryReportNames);
  const hint = near === undefined ? `expected ${queryReportNames.join(', ')} or none` : `did you mean '${near}'?`;
  return makeNonsense(`Unknown report '${word}': ${hint}`);
}

function parseRunsOption(words: readonly string[] | undefined): QuerySelection['runs'] {
  if (words === undefined) return undefined;
  const parsed = parseRuns(words);
  if (parsed.kind === 'nonsense') throw makeNonsense(`Option --runs: ${parsed.reasons.join('; ')}`);
  if (parsed.selection.kind === 'cursor')
    throw makeNonsense("Option --runs: 'cursor' belongs to a rule; name the runs instead");
  return parsed.selection;
}

function parseNumber(option: string, word: string): number {
  if (/^\d{1,9}$/u.test(word)) return Number(word);
  throw makeNonsense(`Option ${option}: '${word}' is not a whole number: expected 0 or more`);
}

function makeNonsense(message: string): UsageError {
  return new UsageError(message, { code: 'usage-options', advice: "'ramenya query --help' lists the options" });
}
