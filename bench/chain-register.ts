import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from '#db/connect.ts';
import { makeEventRecorder } from '#ingest/event-recorder.ts';
import { ingestEvents } from '#ingest/ingest-events.ts';
import { makeStageoutApplier } from '#ingest/stageout-applier.ts';
import { startRepeating } from '#util/start-repeating.ts';
import { waitUntil } from '#util/wait-until.ts';

import { dstfileSql, segmentsPerRun } from './calo-chain.ts';

import type { Database } from '#db/connect.ts';
import type { JobEvent } from '#model/job/job-event.ts';

/** The new products belong to so many runs at a time. */
export const runsAtOnce = 20;

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
/** An attempt whose product is about to be registered. */
export interface Upstream {
  readonly id: number;
  readonly dstfile: string;
  readonly run: number;
  readonly segment: number;
}

/** Puts running attempts of `DST_CALOFITTING`, from a run on. */
export function putUpstream(status: Database, firstRun: number, products: number): Promise<readonly Upstream[]> {
  return status.query<Upstream>(sql`
    insert into ${sql.table(status.role, 'production_status')}
      (dsttype, dstname, dstfile, run, segment, inputs, ranges, prod_id, status, submitting, submitted, started, running,
       rule, execution_node, submission_host)
    select 'DST_CALOFITTING_run2pp', 'DST_CALOFITTING_run2pp_ana437_2024p007_v001', ${dstfileSql('DST_CALOFITTING')}, run,
      segment, '/raw/a.prdf', 'a:0:9', 1, 'running', now(), now(), now(), now(), 'DST_CALOFITTING', 'node0123', 'submit01'
    from (
      select ${firstRun}::int + n / ${runsAtOnce * segmentsPerRun}::int * ${runsAtOnce}::int + n % ${runsAtOnce}::int as run,
        n / ${runsAtOnce}::int % ${segmentsPerRun}::int as segment
      from generate_series(0, ${products - 1}::int) n
    ) s
    returning id, dstfile, run, segment`);
}

function stageoutOf({ id, dstfile, run }: Upstream): JobEvent {
  const lfn = `${dstfile}.root`;
  const path = `/lustre/production/run2pp/physics/ana437_2024p007_v001/DST_CALOFITTING/run_${run}/dst/${lfn}`;
  const file = {
    lfn,
    path,
    host: 'lustre',
    sizeBytes: 123_456_789,
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    events: 1000,
  };
  return {
    ...{ cupsid: id, source: 'bench', sequence: 0, start: 0, at: new Date().toISOString() },
    detail: { kind: 'stageout', file },
  };
}

/** When a product was reported to the gateway, and when it was in the catalog; ms since 1970. */
export interface Registered {
  readonly reportedMs: number;
  readonly registeredMs: number;
}

/**
 * Registers products at a rate, as a gateway does.
 *
 * @param rate products a second
 * @returns by the name of the product that the next rule makes of it
 * @throws Error if they are not registered two minutes after the last
 */
export async function register(
  databases: { readonly status: Database; readonly catalog: Database },
  products: readonly Upstream[],
  rate: number,
): Promise<ReadonlyMap<string, Registered>> {
  const resources = { ...databases, log };
  const applier = makeStageoutApplier(resources);
  const tools = { ...resources, recorder: makeEventRecorder(resources), applier };
  // What the catalog did not take in time is tried again.
  const repeating = startRepeating(async () => {
    await applier.applyPending();
    return 1000;
  });
  try {
    const beganMs = performance.now();
    const open: Promise<unknown>[] = [];
    const reported = new Map<number, number>();
    for (const [index, product] of products.entries()) {
      const waitMs = beganMs + (index * 1000) / rate - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      reported.set(product.id, Date.now());
      const registering = ingestEvents(tools, [stageoutOf(product)]);
      // What fails is reported below.
      registering.catch(() => undefined);
      open.push(registering);
    }
    await Promise.all(open);
    const registered = await waitUntil(
      async () => {
        const found = await findRegistered(databases.status, products);
        return found.size === products.length ? found : undefined;
      },
      { timeoutMs: 120_000, everyMs: 250 },
    );
    if (registered === undefined) throw new Error(`Not all of ${products.length} products were registered`);
    return new Map(
      products.map(({ id, dstfile }) => [
        dstfile.replace('DST_CALOFITTING', 'DST_CALO'),
        { reportedMs: reported.get(id) ?? Number.NaN, registeredMs: registered.get(id) ?? Number.NaN },
      ]),
    );
  } finally {
    await repeating.stop();
  }
}

async function findRegistered(status: Database, products: readonly Upstream[]): Promise<ReadonlyMap<number, number>> {
  const rows = await status.query<{ id: number; appliedAt: Date }>(sql`
    select cupsid as id, applied_at as "appliedAt" from ${sql.table(status.role, 'production_event')}
    where cupsid = any(${products.map(({ id }) => id)}::int[]) and applied_at is not null`);
  return new Map(rows.map(({ id, appliedAt }) => [id, appliedAt.getTime()]));
}
