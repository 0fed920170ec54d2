import { sql } from '#db/connect.ts';

import { extraNamesOf } from './read-query-columns.ts';

import type { Session } from '#db/connect.ts';

import type { QueryColumns } from './read-query-columns.ts';

/**
 * Makes the temporary tables of a decision, all empty, and sets what the session needs for a million rows:
 *
 * - `candidate`: rows of a query that ran in another database
 * - `judged`: one a row of the query, with its early verdict; the wide columns only where it has none, or
 *   where the run of a question is `run`, or one of those that the row is made from (`is_of_asked`)
 * - `undecided`: the rows of `judged` without early verdict, and their later verdicts
 * - `invalid_entry`, `wanted`, `output`, `listing`, `location`, `needed`, `resolved`: facts for one check each
 * - `on_disk`, `gone`: files in the directories of inputs; places of inputs that are not there
 * - `finished`, `aging`, `registration`: rows and facts of a survey
 * - `ready`: what is left
 *
 * Call it once a session, before anything else touches a temporary table.
 */
export async function makeTables(session: Session, columns: QueryColumns): Promise<void> {
  // Measured with 1,000,000 rows: `judged` then stays in memory, and hash joins need no second pass. Memoize makes the
  // planner take a million index probes for cheaper than one hash join: a quarter more time.
  await session.query(
    sql`select set_config('temp_buffers', '128MB', false), set_config('work_mem', '128MB', false),
          set_config('jit', 'off', false), set_config('enable_memoize', 'off', false)`,
  );
  const extras = sql.join(
    extraNamesOf(columns).map((name) => sql`, ${name} text`),
    '',
  );
  const wide = sql`dstfile text, source text, files text, ranges text ${extras}`;
  const state = sql.table(session.role, 'prodstate');
  const key = sql`ordinal int, run int, segment int`;
  const statements = [
    sql`create temp table candidate (${key}, complaint text, streamname text, ${wide})`,
    sql`create temp table judged (${key}, streamname text, verdict text, state ${state}, cupsid int, note text, is_of_asked boolean, ${wide})`,
    sql`create temp table undecided (${key}, streamname text, verdict text, cupsid int, note text, ${wide})`,
    sql`create temp table invalid_entry (id int, dstname text, first_run int, last_run int, first_segment int, last_segment int)`,
    sql`create temp table wanted (name text)`,
    sql`create temp table output (filename text)`,
    sql`create temp table listing (basename text, path text)`,
    sql`create temp table location (lfn text, path text, rank int not null default 1)`,
    sql`create temp table on_disk (path text, is_link boolean)`,
    sql`create temp table gone (lfn text, path text)`,
    sql`create temp table finished (ordinal int, run int, segment int, streamname text, cupsid int, dstfile text)`,
    sql`create temp table aging (ordinal int, run int, segment int, name text, since timestamp, product text)`,
    sql`create temp table registration (lfn text, path text, time timestamp, size bigint, md5 text)`,
    sql`create temp table needed (ordinal int, position int, lfn text)`,
    sql`create temp table resolved (ordinal int, inputs text, missing int)`,
    sql`create temp table ready (ordinal int not null, run int not null, segment int not null, streamname text,
      dsttype text not null, dstname text not null, dstfile text not null, source text not null,
      inputs text not null, ranges text not null, extra jsonb not null, replaces int)`,
  ];
  await session.script(statements.map((statement) => statement.text).join(';\n'));
}
