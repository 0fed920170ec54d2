import { sql } from '#db/connect.ts';
import { countOf } from '#util/count-of.ts';

import { readReady, readReadyOddities } from '../read-ready.ts';

import type { Session } from '#db/connect.ts';

import type { DecisionWarning, RowJudge } from '../decision-request.ts';

/**
 * Gives the verdict `unfit` to rows of `ready` whose job could not be submitted or started, takes them out of it, and puts
 * the reason into `note`.
 *
 * @returns how many
 */
export async function markUnfit(session: Session, judge: RowJudge): Promise<number> {
  const ordinals: number[] = [];
  const notes: string[] = [];
  for await (const rows of judge.isForAll ? readReady(session) : readReadyOddities(session)) {
    for (const row of rows) {
      const note = judge.judge(row);
      if (note === undefined) continue;
      ordinals.push(row.ordinal);
      notes.push(note);
    }
  }
  if (ordinals.length === 0) return 0;
  await session.execute(
    sql`update pg_temp.undecided u set verdict = 'unfit', note = n.note
      from unnest(${ordinals}::int[], ${notes}::text[]) as n (ordinal, note) where u.ordinal = n.ordinal`,
  );
  await session.execute(sql`delete from pg_temp.ready where ordinal = any (${ordinals}::int[])`);
  return ordinals.length;
}

/** Says of the first unfit candidate what is wrong with it. */
export async function findUnfitExample(session: Session, count: number): Promise<readonly DecisionWarning[]> {
  if (count === 0) return [];
  const [example] = await session.query<{ run: number; segment: number; note: string }>(
    sql`select run, segment, note from pg_temp.undecided where verdict = 'unfit' order by ordinal limit 1`,
  );
  if (example === undefined) return [];
  const { run, segment, note } = example;
  const who = `${countOf(count, 'candidate')} left out, which cannot be submitted`;
  return [{ kind: 'unfit', count, message: `${who}, e.g. run ${run} segment ${segment}: ${note}` }];
}
