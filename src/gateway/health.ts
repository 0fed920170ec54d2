import { setTimeout as sleep } from 'node:timers/promises';

import { countUnapplied } from '#db/status/count-unapplied.ts';

import type { Database } from '#db/connect.ts';
import type { UnappliedCounts } from '#db/status/count-unapplied.ts';
import type { GroupWriterFacts } from '#ingest/group-writer.ts';

/** How the gateway is doing: the answer to `GET /health`, with 200 for `ok` and 503 for `degraded`. */
export interface Health {
  readonly status: 'ok' | 'degraded';
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly database: { readonly isReachable: boolean; readonly answerMs?: number };
  /** Events waiting to be written, written since the start, and writes that failed since one last succeeded. */
  readonly events: Pick<GroupWriterFacts, 'queued' | 'written' | 'failures'>;
  /** Staged files that are not in the catalog; absent where the database did not say. */
  readonly stageouts?: UnappliedCounts;
  /** What is wrong, in words; empty for `ok`. */
  readonly complaints: readonly string[];
}

/** Files normally reach the catalog at once; this is several rounds of trying again. */
const oldSeconds = 60;

/** A failed write tells of the present for so long; jobs that were refused try again much sooner. */
const freshMs = 60_000;

const answerBoundMs = 2000;

/** Looks how the gateway is doing. Never throws, and answers within about 2 s. */
export async function checkHealth(doors: {
  readonly status: Database;
  readonly version: string;
  readonly facts: GroupWriterFacts;
}): Promise<Health> {
  const began = performance.now();
  const timer = new AbortController();
  const counts = await Promise.race([
    countUnapplied(doors.status).catch(() => undefined),
    sleep(answerBoundMs, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  const complaints = [
    ...(counts === undefined ? ['the status database does not answer'] : []),
    ...(Date.now() - (doors.facts.lastFailureAt?.getTime() ?? 0) < freshMs
      ? ['the last events could not be written']
      : []),
    ...(counts !== undefined && counts.oldestSeconds > oldSeconds ? ['staged files wait for the catalog'] : []),
    ...(counts !== undefined && counts.aside > 0 ? ['staged files were put aside'] : []),
  ];
  // What was put aside is for a person to look at; the gateway itself works.
  const isDegraded = complaints.some((complaint) => complaint !== 'staged files were put aside');
  const { queued, written, failures } = doors.facts;
  return {
    status: isDegraded ? 'degraded' : 'ok',
    version: doors.version,
    uptimeSeconds: Math.round(process.uptime()),
    database: {
      isReachable: counts !== undefined,
      ...(counts === undefined ? {} : { answerMs: Math.round(performance.now() - began) }),
    },
    events: { queued, written, failures },
    ...(counts === undefined ? {} : { stageouts: counts }),
    complaints,
  };
}
