import { setTimeout as sleep } from 'node:timers/promises';

import { makeBackend } from '#batch/backends.ts';
import { isOutputColoured } from '#cli/colour.ts';
import { writeJson, writeOutput, writeScreen } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { withDatabaseRetries } from '#db/retry.ts';
import { BatchError, DatabaseError } from '#model/errors.ts';
import { findQueryReport } from '#reports/query/find-query-report.ts';
import { renderQueryHtml } from '#reports/query/render-query-html.ts';
import { renderQueryReports } from '#reports/query/render-query-reports.ts';
import { countOf } from '#util/count-of.ts';

import { openMadeSite } from '../open-databases.ts';
import { makeQueryRequest } from './query-options.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { Say } from '#model/log.ts';
import type { QueryReport, QueryReports } from '#model/report/query-report.ts';
import type { Site } from '#model/site.ts';

import type { QueryOptions, QueryRequest } from './query-options.ts';

export type { QueryOptions } from './query-options.ts';

/**
 * Runs `ramenya query`: prints reports once, or repeatedly with `--loop`. Changes nothing.
 *
 * @throws SiteError; without `--loop` also DatabaseError, and BatchError if the batch system did not answer
 */
export async function runRamenyaQuery(
  find: () => Promise<Site>,
  options: QueryOptions,
  { context, say }: { readonly context: MainContext; readonly say: Say },
): Promise<void> {
  const request = makeQueryRequest(options);
  const site = await find();
  const { status } = await openMadeSite(site, { context, say, applicationName: 'ramenya query' });
  const input = { site, status, say: options.verbose === true ? say : () => undefined };
  context.onStop({ words: () => 'Interrupted', mayEndNow: () => true });
  const { delayMs } = request;
  if (delayMs === undefined) {
    const found = await withDatabaseRetries(() => findReports(request, input));
    await printReports(found, request);
    assertComplete(found);
    return;
  }
  while (!context.signal.aborted) {
    try {
      if (!(await printReports(await findReports(request, input), request))) return;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      say(`${error.message}; trying again in ${delayMs / 1000} s`);
    }
    await sleep(delayMs, undefined, { signal: context.signal }).catch(() => undefined);
  }
}

/**
 * Finds and prints the reports of a request, as of now.
 *
 * @returns false when the reader of a pipe has gone
 * @throws DatabaseError
 */
export async function printQueryReports(request: QueryRequest, input: QueryInput): Promise<boolean> {
  return printReports(await findReports(request, input), request);
}

/** What reports are found in, and where is said how long each took. */
export interface QueryInput {
  readonly site: Site;
  readonly status: Database;
  readonly say: Say;
}

/** Finds all reports of a request, as of now. @throws DatabaseError */
async function findReports(request: QueryRequest, { site, status, say }: QueryInput): Promise<QueryReports> {
  const at = new Date();
  const backend = makeBackend(site);
  const reports: QueryReport[] = [];
  for (const name of request.names) {
    const begin = performance.now();
    const report = await findQueryReport(name, {
      ...{ status, backend, statementTimeoutMs: site.statementTimeoutMs, limit: request.limit },
      selection: request.selectFor(name, at),
    });
    reports.push(report);
    say(`${name}: ${countOf(report.rows.length, 'row')} in ${((performance.now() - begin) / 1000).toFixed(2)} s`);
  }
  return { at, site: site.file ?? site.stateDirectory, mode: site.mode, reports };
}

/** @returns false when the reader of a pipe has gone */
async function printReports(found: QueryReports, { format, delayMs }: QueryRequest): Promise<boolean> {
  switch (format) {
    case 'json':
      return writeJson(found);
    case 'html':
      return writeOutput(renderQueryHtml(found));
    case 'text': {
      if (found.reports.length === 0) return true;
      const text = renderQueryReports(found, { width: findOutputWidth(), isColoured: isOutputColoured() });
      return delayMs === undefined ? writeOutput(text) : writeScreen(text);
    }
  }
}

function assertComplete({ reports }: QueryReports): void {
  for (const report of reports) {
    if ((report.report !== 'held' && report.report !== 'condor') || report.silence === undefined) continue;
    throw new BatchError(`Report '${report.report}' is incomplete: the batch system did not answer`, {
      code: 'batch-no-answer',
      advice: 'Call the command again when it answers',
    });
  }
}
