import { setTimeout as sleep } from 'node:timers/promises';

import { countUnapplied } from '#db/status/count-unapplied.ts';
import { countRefused } from '#db/status/refused/count-refused.ts';
import { findRefusedSpools } from '#job/spool/refused-spools.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import type { Database } from '#db/connect.ts';
import type { GroupWriterFacts } from '#ingest/group-writer.ts';
import type { UnappliedCounts } from '#model/report/site-status.ts';

/** How the gateway is doing: the answer to `GET /health`, with status 200 while it serves jobs, else 503. */
export interface Health {
  readonly status: 'ok' | 'degraded';
  /** False: jobs cannot report now, and the answer has status 503. */
  readonly isServing: boolean;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly database: { readonly isReachable: boolean; readonly answerMs?: number };
  /** Events waiting to be written, written since the start, and writes that failed since one last succeeded. */
  readonly events: Pick<GroupWriterFacts, 'queued' | 'written' | 'failures'>;
  /** Staged files that are not in the catalog; absent where the database did not answer. */
  readonly stageouts?: UnappliedCounts;
  /** Live attempts with a report that was refused, absent where the database did not answer; and refused spools. */
  readonly refused: { readonly attempts?: number; readonly spools: number };
  /** What is wrong, in words; empty for `ok`. */
  readonly complaints: readonly string[];
}

/** Files normally reach the catalog at once; this is several rounds of trying again. */
const oldSeconds = 60;

/** So long after it a failed write counts as a present fault; jobs whose reports were not written retry much sooner. */
const freshMs = 60_000;

const answerBoundMs = 2000;

/** Finds out how the gateway is doing. Never throws, and answers within about 2 s. */
export async function checkHealth(resources: {
  readonly status: Database;
  readonly version: string;
  readonly facts: GroupWriterFacts;
  /** The site's; absent: no spools come home. */
  readonly spoolDirectory?: string;
}): Promise<Health> {
  const began = performance.now();
  const timer = new AbortController();
  const found = await Promise.race([
    Promise.all([countUnapplied(resources.status), countRefused(resources.status)]).catch(() => undefined),
    sleep(answerBoundMs, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  const [counts, reports] = found ?? [];
  const attempts = reports?.refused;
  const { spoolDirectory } = resources;
  const spools = spoolDirectory === undefined ? 0 : (await findRefusedSpools(spoolDirectory).catch(() => [])).length;
  const severe = [
    ...(counts === undefined ? ['the status database does not answer'] : []),
    ...(Date.now() - (resources.facts.lastFailureAt?.getTime() ?? 0) < freshMs
      ? ['the last events could not be written']
      : []),
    ...(counts !== undefined && counts.oldestSeconds > oldSeconds ? ['staged files are waiting for the catalog'] : []),
  ];
  // Lost unless an operator acts. The gateway itself works: a load balancer must not take it out of service.
  const refused = [
    ...(attempts === undefined || attempts === 0
      ? []
      : [`reports of ${countOf(attempts, 'attempt')} were refused: see 'slurp refused'`]),
    ...(spools === 0 ? [] : [`${countOf(spools, 'spool')} could not be read: see 'slurp refused'`]),
  ];
  const aside = counts !== undefined && counts.aside > 0 ? ['staged files were quarantined'] : [];
  const { queued, written, failures } = resources.facts;
  return {
    status: severe.length + refused.length > 0 ? 'degraded' : 'ok',
    isServing: severe.length === 0,
    version: resources.version,
    uptimeSeconds: Math.round(process.uptime()),
    database: {
      isReachable: counts !== undefined,
      ...(counts === undefined ? {} : { answerMs: Math.round(performance.now() - began) }),
    },
    events: { queued, written, failures },
    ...present({ stageouts: counts }),
    refused: { ...present({ attempts }), spools },
    complaints: [...severe, ...refused, ...aside],
  };
}
