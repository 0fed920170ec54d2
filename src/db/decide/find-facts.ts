import { pipeline } from 'node:stream/promises';

import { isSameDatabase, sql } from '#db/connect.ts';

import type { Database, Session, Statement } from '#db/connect.ts';

/** Names sent to another database in one go: what we hold in memory at a time, about 3 MB. */
const namesAtOnce = 50_000;

/** What is looked up in the catalog, and where the answers go. */
export interface FactSearch {
  /** The session that holds `wanted` (the names looked for) and the temporary table `into`. */
  readonly session: Session;
  readonly catalog: Database;
  /** A temporary table whose columns are those of the facts. */
  readonly into: 'output' | 'location' | 'registration';
  /** The search, given a table expression with one column `name`. */
  readonly facts: (wanted: Statement) => Statement;
}

/**
 * Looks up the names in `wanted` in the catalog: by one `INSERT … SELECT` in the same database, elsewhere by sending
 * the names in batches and copying the answers, unparsed, into the same table. The names travel in a setting, since
 * COPY takes no parameters and a catalog may be a read-only replica, where no temporary table can be made.
 */
export async function findFacts(search: FactSearch): Promise<void> {
  const { session, catalog, facts } = search;
  const into = sql`pg_temp.${sql.identifier(search.into)}`;
  if (isSameDatabase(catalog.role, session.role)) {
    await session.execute(sql`analyze pg_temp.wanted`);
    await session.execute(sql`insert into ${into} ${facts(sql`pg_temp.wanted`)}`);
  } else {
    const sent = sql`(select * from jsonb_array_elements_text(current_setting('slurp.names')::jsonb) as t(name))`;
    const copyOut = sql`copy (${facts(sent)}) to stdout`;
    const copyIn = sql`copy ${into} from stdin`;
    const send = (names: readonly string[]): Promise<void> =>
      catalog.session((remote) =>
        remote.transaction(
          async (inner) => {
            await inner.query(sql`select set_config('slurp.names', ${JSON.stringify(names)}, true)`);
            await pipeline(inner.copyOut(copyOut), session.copyIn(copyIn));
          },
          { isReadOnly: true },
        ),
      );
    await session.transaction(async (inner) => {
      await inner.execute(sql`declare wanted_names no scroll cursor for select name from pg_temp.wanted`);
      for (;;) {
        const rows = await inner.query<{ name: string }>(
          sql`fetch ${sql.verbatim(String(namesAtOnce))} from wanted_names`,
        );
        if (rows.length > 0) await send(rows.map((row) => row.name));
        if (rows.length < namesAtOnce) return;
      }
    });
  }
  await session.execute(sql`analyze ${into}`);
}
