import { findClusters } from '#db/status/query/find-clusters.ts';
import { findEverything } from '#db/status/query/find-everything.ts';
import { findFailed } from '#db/status/query/find-failed.ts';
import { findPending } from '#db/status/query/find-pending.ts';
import { findRuns } from '#db/status/query/find-runs.ts';
import { findStarted } from '#db/status/query/find-started.ts';
import { present } from '#util/present.ts';

import { findCondorReport, findHeldReport } from './find-queue-reports.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Queryable } from '#db/connect.ts';
import type { QueryReport, QueryReportName, QuerySelection } from '#model/report/query-report.ts';

/** What a report is found with. */
export interface QueryReportInput {
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly statementTimeoutMs: number;
  readonly selection: QuerySelection;
  /** Rows at most; 0: all. */
  readonly limit: number;
}

/**
 * Finds what one report of `ramenya query` shows. Changes nothing.
 *
 * @throws DatabaseError
 */
export async function findQueryReport(report: QueryReportName, input: QueryReportInput): Promise<QueryReport> {
  const { status, statementTimeoutMs, selection, limit } = input;
  const read = <T>(action: (session: Queryable) => Promise<T>): Promise<T> =>
    status.transaction(action, { isReadOnly: true, isolation: 'repeatable read', statementTimeoutMs });
  const about = present({ since: selection.since });
  switch (report) {
    case 'pending':
      return { report, ...about, ...(await read((session) => findPending(session, selection, limit))) };
    case 'started':
      return { report, ...about, ...(await read((session) => findStarted(session, selection, limit))) };
    case 'clusters':
      return { report, ...about, ...(await read((session) => findClusters(session, selection, limit))) };
    case 'runs':
      return { report, ...about, ...(await read((session) => findRuns(session, selection, limit))) };
    case 'failed':
      return { report, ...about, ...(await read((session) => findFailed(session, selection, limit))) };
    case 'everything':
      return { report, ...about, ...(await read((session) => findEverything(session, selection, limit))) };
    case 'condor':
      return findCondorReport({ ...input, read });
    case 'held':
      return findHeldReport({ ...input, read });
  }
}
