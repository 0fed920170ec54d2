import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { countOf } from '#util/count-of.ts';

import { readReady, readReadyOddities } from '../read-ready.ts';
import { putReady } from './ready.ts';

import type { Session } from '#db/connect.ts';
import type { DecisionWarning } from '#model/report/funnel.ts';

import type { RowJudge } from '../decision-request.ts';
import type { LateJudging, VerdictPart } from './verdict-part.ts';

/**
 * Gives the verdict `unfit` to rows of `ready` whose job could not be submitted or started, takes them out of it, and puts
 * the reason into `note`.
 *
 * @returns how many
 */
async function markUnfit(session: Session, judge: RowJudge): Promise<number> {
  const faults = new Map<number, string>();
  const filled = new Set<string>();
  const gaps = new Map<string, number[]>(judge.uneven.map((key) => [key, []]));
  for await (const rows of judge.isForAll ? readReady(session) : readReadyOddities(session)) {
    for (const row of rows) {
      const { fault, empty } = judge.judge(row);
      if (fault !== undefined) faults.set(row.ordinal, fault);
      else
        for (const [key, without] of gaps)
          if (empty.includes(key)) without.push(row.ordinal);
          else filled.add(key);
    }
  }
  for (const [key, without] of gaps) {
    const note = `'${key}' is empty in this row and not in others: HTCondor would use the value of another row`;
    if (filled.has(key)) for (const ordinal of without) faults.set(ordinal, note);
  }
  const [ordinals, notes] = [[...faults.keys()], [...faults.values()]];
  if (ordinals.length === 0) return 0;
  await session.execute(
    sql`update pg_temp.undecided u set verdict = 'unfit', note = n.note
      from unnest(${ordinals}::int[], ${notes}::text[]) as n (ordinal, note) where u.ordinal = n.ordinal`,
  );
  await session.execute(sql`delete from pg_temp.ready where ordinal = any (${ordinals}::int[])`);
  return ordinals.length;
}

/** Reports of the first unfit candidate what is wrong with it. */
async function findUnfitWarnings(session: Session, count: number): Promise<readonly DecisionWarning[]> {
  const [example] = await session.query<{ run: number; segment: number; note: string }>(
    sql`select run, segment, note from pg_temp.undecided where verdict = 'unfit' order by ordinal limit 1`,
  );
  if (example === undefined) return [];
  const { run, segment, note } = example;
  const who = `${countOf(count, 'candidate')} left out because they cannot be submitted`;
  return [{ kind: 'unfit', count, message: `${who}, e.g. run ${run} segment ${segment}: ${note}` }];
}

/**
 * Fills `ready` with what is still undecided, up to the limit, and takes out again what cannot be submitted: those behind
 * the limit take the places of what is left out.
 *
 * @returns how many are ready
 */
export async function putFit({ session, request, columns, names }: LateJudging): Promise<number> {
  const { cap, rowJudge } = request;
  for (;;) {
    const ready = await putReady(session, columns, names, cap);
    const unfitRows = rowJudge === undefined ? 0 : await markUnfit(session, rowJudge);
    if (unfitRows === 0 || cap === undefined) return ready - unfitRows;
    await session.execute(sql`truncate pg_temp.ready`);
  }
}

/** Its job could not be submitted or started. */
export const unfit: VerdictPart<'unfit'> = {
  meaning: 'cannot be submitted',
  warn: findUnfitWarnings,
  findFact: (_explaining, { note }) => Promise.resolve({ reason: assertPresent(note, 'what is wrong with a job') }),
  describe: ({ reason }) => [`its job cannot be submitted: ${reason}`],
};
