import { sql } from '#db/connect.ts';

import type { Queryable } from '#db/connect.ts';

/** What stands for the content of tables: equal tokens mean equal content. Or why that cannot be known. */
export type ChangeToken =
  { readonly kind: 'token'; readonly token: string } | { readonly kind: 'unknown'; readonly reason: string };

/** Functions that PostgreSQL calls stable because of settings of the session, which are ours and do not change. */
const steadyFunctions = [
  'concat',
  'concat_ws',
  'format',
  'to_char',
  'quote_literal',
  'array_to_string',
  'lower',
  'upper',
];

interface ServerRow {
  readonly version: number;
  readonly isStandby: boolean;
  readonly isCounting: boolean;
  readonly server: string;
  readonly varying: readonly string[];
}

interface TableRow {
  readonly name: string;
  readonly doubt: string | null;
  readonly token: string | null;
}

/**
 * Finds a token for the content of tables, also of tables that other programs write: the server's own counters of inserted,
 * updated and deleted rows, and the file of the table, which TRUNCATE replaces. A session adds to the counters after its
 * transaction has committed, within 60 s. So a change may be seen late, but never too early: read the token before the data.
 *
 * @param tables as written in a query: unqualified ones are in the role's schema
 * @param functions that the query calls; one that may give another result each time makes the token unknown
 * @throws DatabaseError
 * @see docs/decisions/nothing-changed.md
 */
export async function findTableToken(
  database: Queryable,
  tables: readonly string[],
  functions: readonly string[] = [],
): Promise<ChangeToken> {
  const [server] = await database.query<ServerRow>(sql`
    select current_setting('server_version_num')::int as version, pg_is_in_recovery() as "isStandby",
      current_setting('track_counts') = 'on' and not exists (
        select from pg_db_role_setting, unnest(setconfig) as one (setting)
        where setting like 'track_counts=%' and setting not in ('track_counts=on', 'track_counts=true')
      ) as "isCounting",
      concat_ws(' ', pg_postmaster_start_time(), (select stats_reset from pg_stat_archiver),
        (select stats_reset from pg_stat_database where datname = current_database())) as server,
      array(
        select distinct proname::text from pg_proc
        where proname = any (${functions}::text[]) and provolatile <> 'i' and proname <> all (${steadyFunctions}::text[])
      ) as varying`);
  if (server === undefined) return { kind: 'unknown', reason: 'the server did not answer' };
  const reason = findServerDoubt(server);
  if (reason !== undefined) return { kind: 'unknown', reason };
  const rows = await database.query<TableRow>(findTablesSql(database, tables));
  const doubtful = rows.find(({ doubt }) => doubt !== null);
  if (doubtful !== undefined) return { kind: 'unknown', reason: `'${doubtful.name}' ${doubtful.doubt ?? ''}` };
  return {
    kind: 'token',
    token: [server.server, ...rows.map(({ name, token }) => `${name} ${token ?? ''}`)].join('\n'),
  };
}

/** Before version 15, counters went through a socket and could be lost. */
function findServerDoubt({ version, isStandby, isCounting, varying }: ServerRow): string | undefined {
  if (version < 150_000) return 'the server is older than PostgreSQL 15';
  if (isStandby) return 'the server is a standby, which does not count changes';
  if (!isCounting) return "the server does not count changes ('track_counts')";
  const [name] = varying;
  return name === undefined ? undefined : `the query calls '${name}', which may return something else each time`;
}

function findTablesSql({ role }: Queryable, tables: readonly string[]) {
  const split = tables.map((table): readonly [string, string] => {
    const at = table.indexOf('.');
    return at < 0 ? [role.schema, table] : [table.slice(0, at), table.slice(at + 1)];
  });
  const schemas = split.map(([schema]) => schema);
  const names = split.map(([, name]) => name);
  return sql`
    select w.schema || '.' || w.name as name,
      case
        when c.oid is null then 'does not exist'
        when c.relkind not in ('r', 'p') then 'is not a table'
        when w.schema like 'pg\_%' or c.relpersistence = 't' then 'is a table of the server or of a session'
        when c.relrowsecurity then 'shows different rows to different users'
        when c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid) then 'has child tables'
      end as doubt,
      (
        select string_agg(concat_ws(',', m.oid, pg_relation_filenode(m.oid), pg_stat_get_tuples_inserted(m.oid),
          pg_stat_get_tuples_updated(m.oid), pg_stat_get_tuples_deleted(m.oid)), ';' order by m.oid)
        from (select c.oid union select relid from pg_partition_tree(c.oid)) m (oid)
      ) as token
    from unnest(${schemas}::text[], ${names}::text[]) as w (schema, name)
    left join pg_namespace n on n.nspname = w.schema
    left join pg_class c on c.relnamespace = n.oid and c.relname = w.name
    order by 1`;
}
