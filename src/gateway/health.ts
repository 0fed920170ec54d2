import { setTimeout as sleep } from 'node:timers/promises';

import { findAlarms } from '#db/status/alarm/alarms.ts';
import { countUnapplied } from '#db/status/count-unapplied.ts';
import { findPassAges } from '#db/status/loop/find-pass-ages.ts';
import { countRefused } from '#db/status/refused/count-refused.ts';
import { findRefusedSpools } from '#job/spool/refused-spools.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import type { Database } from '#db/connect.ts';
import type { GroupWriterFacts } from '#ingest/group-writer.ts';
import type { OpenAlarm } from '#model/report/alarm.ts';
import type { PassAge } from '#model/report/loop-status.ts';
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
  /** The open alarms of the site, the oldest first; absent where the database did not answer. */
  readonly alarms?: readonly Pick<OpenAlarm, 'cause' | 'raisedAt'>[];
  /** The age of the last pass of each rule that loops run, the oldest first; absent where the database did not answer. */
  readonly passes?: readonly PassAge[];
  /** What is wrong with the gateway and what it serves, in words. */
  readonly complaints: readonly string[];
}

/** What {@link checkHealth} looks at. */
export interface HealthInput {
  readonly status: Database;
  readonly version: string;
  readonly facts: GroupWriterFacts;
  /** The site's; absent: no spools come home. */
  readonly spoolDirectory?: string;
}

/** Files normally reach the catalog at once; this is several rounds of trying again. */
const oldSeconds = 60;

/** So long after it a failed write counts as a present fault; jobs whose reports were not written retry much sooner. */
const freshMs = 60_000;

const answerBoundMs = 2000;

/**
 * Finds out how the gateway and its site are doing: `degraded` if it needs a person. Never throws, and answers within about
 * 2 s.
 */
export async function checkHealth(input: HealthInput): Promise<Health> {
  const { severe, refused, aside, counts, attempts, spools, answerMs, alarms, passes } = await findFacts(input);
  const { queued, written, failures } = input.facts;
  return {
    status: severe.length + refused.length + (alarms?.length ?? 0) > 0 ? 'degraded' : 'ok',
    isServing: severe.length === 0,
    version: input.version,
    uptimeSeconds: Math.round(process.uptime()),
    database: { isReachable: counts !== undefined, ...present({ answerMs }) },
    events: { queued, written, failures },
    ...present({ stageouts: counts }),
    refused: { ...present({ attempts }), spools },
    ...present({ alarms: alarms?.map(({ cause, raisedAt }) => ({ cause, raisedAt })), passes }),
    complaints: [...severe, ...refused, ...aside],
  };
}

/** Finds what is wrong with the gateway and needs a person, a sentence each; its alarm is made of that. Never throws. */
export async function findFaults(input: HealthInput): Promise<readonly string[]> {
  const { severe, refused } = await findFacts(input);
  return [...severe, ...refused];
}

async function findFacts({ status, facts, spoolDirectory }: HealthInput) {
  const began = performance.now();
  const timer = new AbortController();
  const found = await Promise.race([
    Promise.all([countUnapplied(status), countRefused(status), findAlarms(status), findPassAges(status)]).catch(
      () => undefined,
    ),
    sleep(answerBoundMs, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  const [counts, reports, alarms, passes] = found ?? [];
  const answerMs = found === undefined ? undefined : Math.round(performance.now() - began);
  const attempts = reports?.refused;
  const spools = spoolDirectory === undefined ? 0 : (await findRefusedSpools(spoolDirectory).catch(() => [])).length;
  const severe = [
    ...(counts === undefined ? ['the status database does not answer'] : []),
    ...(Date.now() - (facts.lastFailureAt?.getTime() ?? 0) < freshMs ? ['the last events could not be written'] : []),
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
  return { severe, refused, aside, counts, attempts, spools, answerMs, alarms, passes };
}
