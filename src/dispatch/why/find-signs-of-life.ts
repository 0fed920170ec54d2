import { findSigns } from '#db/status/sign/find-signs.ts';

import type { Database } from '#db/connect.ts';
import type { SignsByAttempt } from '#model/report/why.ts';

/** Finds the latest signs of life of attempts. @throws DatabaseError */
export async function findSignsOfLife(status: Database, cupsids: readonly number[]): Promise<SignsByAttempt> {
  if (cupsids.length === 0) return {};
  return Object.fromEntries((await findSigns(status, cupsids)).map((sign) => [sign.cupsid, sign]));
}
