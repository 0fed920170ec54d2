import { createSecretKey } from 'node:crypto';

import { tokenOf } from '#config/read-site-key.ts';
import { openDatabase } from '#db/connect.ts';

import { testDatabase } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Database } from '#db/connect.ts';
import type { GatewayResources } from '#gateway/make-gateway.ts';
import type { JobEvent } from '#model/job/job-event.ts';

/** All that a gateway needs, over a database of its own. */
export interface GatewayWorld extends GatewayResources {
  close(): Promise<void>;
}

/** The key of all test sites. */
export const testKey = createSecretKey(Buffer.alloc(32, 7));

/** Opens databases for a gateway of one test file. */
export async function makeWorld(): Promise<GatewayWorld> {
  const database = await testDatabase();
  const open = (role: 'status' | 'catalog'): Database =>
    openDatabase(database.roles[role], { applicationName: 'test', max: 6, connectAttempts: 1 });
  const [status, catalog] = [open('status'), open('catalog')];
  return {
    status,
    catalog,
    siteKey: testKey,
    log: silentLog,
    version: '1.2.3',
    close: async () => {
      await status.close();
      await catalog.close();
      await database.close();
    },
  };
}

/** The headers by which a job of a submission shows itself. */
export function headersOf(submission: string): Record<string, string> {
  return { authorization: `Bearer ${tokenOf(testKey, submission)}`, 'x-slurp-submission': submission };
}

/** A request that reports events. */
export function reportRequestOf(
  submission: string,
  events: readonly JobEvent[],
): { method: 'POST'; url: string; headers: Record<string, string>; payload: { events: readonly JobEvent[] } } {
  return { method: 'POST', url: '/v1/events', headers: headersOf(submission), payload: { events } };
}
