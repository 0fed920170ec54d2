import { formatDuration } from '#util/text/format-duration.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { CondorWord, QueryReport } from '#model/report/query-report.ts';

/** The colour of a row at a terminal: green, yellow or red. */
export type RowTone = 'good' | 'new' | 'bad';

/** What stands in a cell; numbers stand at the right. */
export type ReportCell = string | number | undefined;

/** A report as columns and rows, for reading: text and HTML are made from it. */
export interface ReportTable {
  /** The original's names of the columns. */
  readonly heads: readonly string[];
  /** Number of columns, from the left, that identify a row. */
  readonly keyCount: number;
  readonly rows: readonly { readonly cells: readonly ReportCell[]; readonly tone: RowTone }[];
}

type Column<Row> = readonly [head: string, cellOf: (row: Row) => ReportCell];

/** A cluster whose latest job started longer ago than this is red. */
const longAgoMs = 24 * 3600 * 1000;

/**
 * Makes the table of a report, with the columns of the original in its order. Times are UTC.
 *
 * @param at when it was asked
 */
export function makeReportTable(report: QueryReport, at: Date): ReportTable {
  switch (report.report) {
    case 'pending':
      return makeTable(report.rows, 2, () => 'good', [
        ['dsttype', (row) => row.dsttype],
        ['prod_id', (row) => row.prodId],
        ['num_jobs', (row) => row.numJobs],
        ['avg_time_to_submit', (row) => spanOf(row.avgTimeToSubmit)],
        ['min_time_to_submit', (row) => spanOf(row.minTimeToSubmit)],
        ['max_time_to_submit', (row) => spanOf(row.maxTimeToSubmit)],
      ]);
    case 'started':
      return makeTable(report.rows, 1, ({ numFailed }) => (numFailed > 0 ? 'bad' : 'good'), [
        ['dsttype', (row) => row.dsttype],
        ['num_jobs', (row) => row.numJobs],
        ['avg_time_to_start', (row) => spanOf(row.avgTimeToStart)],
        ['num_submitted', (row) => row.numSubmitted],
        ['num_running', (row) => row.numRunning],
        ['num_finished', (row) => row.numFinished],
        ['num_failed', (row) => row.numFailed],
        ['avg_job_duration', (row) => spanOf(row.avgJobDuration)],
        ['last_job_started', (row) => instantOf(row.lastJobStarted)],
        ['last_job_finished', (row) => instantOf(row.lastJobFinished)],
        ['sum_events', (row) => row.sumEvents],
      ]);
    case 'clusters': {
      const isLongAgo = (start: Date | null): boolean => start !== null && at.getTime() - start.getTime() > longAgoMs;
      return makeTable(report.rows, 2, (row) => (row.numFailed > 0 || isLongAgo(row.lastStart) ? 'bad' : 'good'), [
        ['dsttype', (row) => row.dsttype],
        ['cluster', (row) => row.cluster],
        ['min_run', (row) => row.minRun],
        ['max_run', (row) => row.maxRun],
        ['num_jobs', (row) => row.numJobs],
        ['earliest_start', (row) => instantOf(row.earliestStart)],
        ['last_start', (row) => instantOf(row.lastStart)],
        ['avg_time_to_start', (row) => spanOf(row.avgTimeToStart)],
        ['num_submitted', (row) => row.numSubmitted],
        ['num_running', (row) => row.numRunning],
        ['num_finished', (row) => row.numFinished],
        ['num_failed', (row) => row.numFailed],
        ['avg_job_duration', (row) => spanOf(row.avgJobDuration)],
        ['sum_events', (row) => row.sumEvents],
      ]);
    }
    case 'runs':
      return makeTable(report.rows, 3, ({ status }) => toneOf(status), [
        ['dsttype', (row) => row.dsttype],
        ['run', (row) => row.run],
        ['segment', (row) => row.segment],
        ['status', (row) => row.status],
        ['cluster', (row) => row.cluster],
        ['process', (row) => row.process],
      ]);
    case 'failed':
      return makeTable(report.rows, 2, () => 'bad', [
        ['dstname', (row) => row.dstname],
        ['prod_id', (row) => row.prodId],
        [
          'list',
          ({ runSegments, numFailed }) => {
            const more = numFailed - runSegments.length;
            return `${runSegments.join(' ')}${more === 0 ? '' : ` and ${more} more`}`;
          },
        ],
      ]);
    case 'condor':
      return makeTable(report.rows, 3, ({ status, condorStatus }) => condorToneOf(status, condorStatus), [
        ['dsttype', (row) => row.dsttype],
        ['run', (row) => row.run],
        ['segment', (row) => row.segment],
        ['status', (row) => row.status],
        ['cluster', (row) => row.cluster],
        ['process', (row) => row.process],
        ['prod_id', (row) => row.prodId],
        ['condor_status', (row) => row.condorStatus ?? unknown],
        ['at', (row) => instantOf(row.at)],
        ['hold_code', (row) => row.holdCode ?? undefined],
        ['sub_code', (row) => row.holdSubcode ?? undefined],
      ]);
    case 'held':
      return makeTable(report.rows, 3, () => 'bad', [
        ['dsttype', (row) => row.dsttype],
        ['run', (row) => row.run],
        ['segment', (row) => row.segment],
        ['cluster', (row) => row.cluster],
        ['process', (row) => row.process],
        ['since', (row) => instantOf(row.since)],
        ['hold_code', (row) => row.holdCode ?? undefined],
        ['sub_code', (row) => row.holdSubcode ?? undefined],
        ['reason', (row) => row.reason ?? 'no reason given'],
      ]);
    case 'everything':
      return makeTable(report.rows, 3, ({ status }) => toneOf(status), [
        ['dsttype', (row) => row.dsttype],
        ['run', (row) => row.run],
        ['segment', (row) => row.segment],
        ['cluster', (row) => row.cluster],
        ['process', (row) => row.process],
        ['status', (row) => row.status],
        ['nevents', (row) => row.nevents],
        ['started', (row) => instantOf(row.started)],
        ['running', (row) => instantOf(row.running)],
        ['ended', (row) => instantOf(row.ended)],
        ['exit_code', (row) => row.exitCode ?? undefined],
      ]);
  }
}

function makeTable<Row>(
  rows: readonly Row[],
  keyCount: number,
  toneOfRow: (row: Row) => RowTone,
  columns: readonly Column<Row>[],
): ReportTable {
  return {
    heads: columns.map(([head]) => head),
    keyCount,
    rows: rows.map((row) => ({ cells: columns.map(([, cellOf]) => cellOf(row)), tone: toneOfRow(row) })),
  };
}

/** What the batch system did not answer. */
const unknown = '–';

/** A job that is held, or missing in the queue, is red. */
function condorToneOf(status: JobState, word: CondorWord | null): RowTone {
  return word === 'Held' || word === 'none' ? 'bad' : toneOf(status);
}

function toneOf(status: JobState): RowTone {
  if (status === 'failed' || status === 'held') return 'bad';
  return status === 'started' ? 'new' : 'good';
}

function spanOf(seconds: number | null): string | undefined {
  return seconds === null ? undefined : formatDuration(seconds);
}

function instantOf(instant: Date | null): string | undefined {
  return instant === null ? undefined : formatInstant(instant);
}

/** Writes a time for reading, to the second, UTC: `2026-12-02 08:41:03`. */
export function formatInstant(instant: Date): string {
  return instant.toISOString().slice(0, 19).replace('T', ' ');
}
