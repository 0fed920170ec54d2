import { sql } from '#db/connect.ts';
import { formatDstname, streamMacro, twinOf } from '#model/dst-name.ts';
import { headOf } from '#util/text/head-of.ts';

import type { Queryable } from '#db/connect.ts';
import type { Production } from '#model/production.ts';

/**
 * Finds a token for which attempts of a production are live, and which runs are invalid now: equal tokens mean that neither
 * has changed. It is exact: the counter is written in the transaction of the change. States of attempts are not part of it.
 *
 * @throws DatabaseError
 */
export async function findAttemptToken(status: Queryable, production: Production): Promise<string> {
  const twin = twinOf(production);
  const names = [formatDstname(production), ...(twin === undefined ? [] : [twin])];
  const heads = names.map((name) => headOf(name, streamMacro));
  const isStreamed = names.some((name) => name.includes(streamMacro));
  const isOurs = isStreamed
    ? sql`exists (select from unnest(${heads}::text[]) as h (head) where starts_with(a.dstname, h.head))`
    : sql`a.dstname = any (${names}::text[])`;
  const [row] = await status.query<{ readonly token: string }>(sql`
    select concat_ws(' ',
      (select coalesce(sum(changes), 0) from ${sql.table(status.role, 'attempt_change')} a where ${isOurs}),
      (select md5(string_agg(i::text, e'\n' order by id)) from ${sql.table(status.role, 'invalid_run_list')} i
        where expires_at > now() at time zone 'utc')) as token`);
  return row?.token ?? '';
}
