import { basename } from 'node:path';

import { ingestEvents } from '#ingest/ingest-events.ts';
import { readFacts } from '#job/stage-out/copy-verified.ts';
import { describeError } from '#util/describe-error.ts';
import { readAccountName } from '#util/process/read-account-name.ts';

import type { Database } from '#db/connect.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';
import type { LeftProduct, RegisteredProduct } from '#model/report/left-products.ts';

/** The catalog's name for a file system without one, as `cups stageout` uses it. */
const defaultHost = 'lustre';

/**
 * Registers products that were found on disk, where they lie, as an operator's stage-out of their attempt: the same checks
 * and the same way into the catalog as a job's. Files of jobs that failed are left alone; an attempt that is failed only
 * because the rule requires its product is finished by this. The number of events is unknown.
 *
 * @throws DatabaseError, GatewayError
 */
export async function recordProducts(
  databases: { readonly status: Database; readonly catalog: Database; readonly log: Log },
  products: readonly LeftProduct[],
  signal: AbortSignal,
): Promise<readonly RegisteredProduct[]> {
  const registered: RegisteredProduct[] = [];
  for (const product of products) registered.push(await recordOne(databases, product, signal));
  return registered;
}

async function recordOne(
  databases: { readonly status: Database; readonly catalog: Database; readonly log: Log },
  product: LeftProduct,
  signal: AbortSignal,
): Promise<RegisteredProduct> {
  const { cupsid, path, start, isSuccess } = product;
  if (!isSuccess) {
    return { ...product, isRegistered: false, reason: 'its job failed, so it may be incomplete' };
  }
  const facts = await readFacts(path, signal).catch((error: unknown) => describeError(error, path));
  if (typeof facts === 'string') return { ...product, isRegistered: false, reason: facts };
  const sequence = Date.now();
  const common = {
    cupsid: cupsid,
    source: `operator:${readAccountName()}`,
    start,
    at: new Date(sequence).toISOString(),
  };
  const file = { lfn: basename(path), path, host: defaultHost, ...facts, events: -1 };
  const stageout: JobEvent = { ...common, sequence, detail: { kind: 'stageout', file } };
  const { registered } = await ingestEvents(databases, [stageout]);
  const [registration] = registered;
  if (registration?.isRegistered !== true) {
    return { ...product, isRegistered: false, reason: registration?.reason ?? 'the catalog did not accept it' };
  }
  const text = `'${path}' was found and registered by ${readAccountName()}: the job did not report it`;
  await ingestEvents(databases, [{ ...common, sequence: sequence + 1, detail: { kind: 'message', text } }]);
  databases.log.info({ cupsid: cupsid, path }, 'registered a product that no job reported');
  return { ...product, isRegistered: true };
}
