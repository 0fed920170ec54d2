import { findClusters } from '#db/status/query/find-clusters.ts';
import { findEverything } from '#db/status/query/find-everything.ts';
import { findFailed } from '#db/status/query/find-failed.ts';
import { findPending } from '#db/status/query/find-pending.ts';
import { findRuns } from '#db/status/query/find-runs.ts';
import { findStarted } from '#db/status/query/find-started.ts';

import type { Database, Queryable } from '#db/connect.ts';
import type { QueryReport, QueryReportName, QuerySelection } from '#model/report/query-report.ts';

/** What a report is found with. */
export interface QueryReportInput {
  readonly status: Database;
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
export function findQueryReport(name: QueryReportName, input: QueryReportInput): Promise<QueryReport> {
  const { status, statementTimeoutMs } = input;
  return status.transaction((session) => readReport(session, name, input), {
    isReadOnly: true,
    isolation: 'repeatable read',
    statementTimeoutMs,
  });
}

async function readReport(
  session: Queryable,
  report: QueryReportName,
  { selection, limit }: QueryReportInput,
): Promise<QueryReport> {
  const since = selection.since === undefined ? {} : { since: selection.since };
  switch (report) {
    case 'pending':
      return { report, ...since, ...(await findPending(session, selection, limit)) };
    case 'started':
      return { report, ...since, ...(await findStarted(session, selection, limit)) };
    case 'clusters':
      return { report, ...since, ...(await findClusters(session, selection, limit)) };
    case 'runs':
      return { report, ...since, ...(await findRuns(session, selection, limit)) };
    case 'failed':
      return { report, ...since, ...(await findFailed(session, selection, limit)) };
    case 'everything':
      return { report, ...since, ...(await findEverything(session, selection, limit)) };
  }
}
