import { sql } from '#db/connect.ts';
import { assertPresent } from '#util/assert-present.ts';
import { countOf } from '#util/count-of.ts';

import { checkDisk } from '../inputs/check-disk.ts';
import { dstfileSql } from '../product-sql.ts';
import { findOutdated } from './find-outdated.ts';
import { findRefusedReports } from './find-refused-reports.ts';
import { findUnregistered } from './find-unregistered.ts';

import type { Database, Session } from '#db/connect.ts';
import type { DecisionWarning, Finding } from '#model/report/funnel.ts';

import type { Decision } from '../decide.ts';
import type { Disk } from '../decision-request.ts';

/** Finished products that are looked for in the catalog at most: those that the query returns last. */
const finishedAtMost = 200_000;

/** What a survey found, and the same in words. */
export interface Survey {
  readonly findings: readonly Finding[];
  readonly warnings: readonly DecisionWarning[];
}

async function putFinished(session: Session, { names }: Decision): Promise<void> {
  const row = { run: sql`j.run`, segment: sql`j.segment`, streamname: sql`j.streamname` };
  await session.execute(
    sql`insert into pg_temp.finished (ordinal, run, segment, streamname, cupsid, dstfile)
      select j.ordinal, j.run, j.segment, j.streamname, j.cupsid,
        ${dstfileSql(sql`${names.dstname}::text`, row, names.isStreamed)}
      from pg_temp.judged j where j.verdict = 'blocked' and j.state::text = 'finished'
      order by j.ordinal desc limit ${finishedAtMost}`,
  );
  await session.execute(sql`analyze pg_temp.finished`);
}

async function findGone(session: Session): Promise<Pick<Finding, 'count' | 'looked' | 'example'>> {
  const [found] = await session.query<{ count: number; looked: number; run: number | null; segment: number | null }>(
    sql`with hit as materialized (
        select distinct r.ordinal, r.run, r.segment
        from pg_temp.ready r join pg_temp.needed n using (ordinal) join pg_temp.gone g using (lfn)
      ), first as (select run, segment from hit order by ordinal limit 1)
      select (select count(*)::int from hit) as count, (select count(*)::int from pg_temp.ready) as looked,
        (select run from first) as run, (select segment from first) as segment`,
  );
  const { count, looked, run, segment } = assertPresent(found, 'a count');
  return { count, looked, ...(run === null || segment === null ? {} : { example: { run, segment } }) };
}

function describeFinding({ kind, count, looked, of, example }: Finding): string {
  const where = example === undefined ? '' : `, e.g. run ${example.run} segment ${example.segment}`;
  const why = example === undefined ? '' : ` (--why ${example.run} ${example.segment})`;
  const part = looked < of ? `; ${looked.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} looked at` : '';
  const verb = count === 1 ? 'is' : 'are';
  switch (kind) {
    case 'not-in-catalog':
      return `${countOf(count, 'finished product')} ${verb} not in the catalog${where}${why}${part}`;
    case 'report-refused':
      return `Reports of ${countOf(count, 'attempt')} were refused or remarked on${where}${why}, see 'slurp refused'${part}`;
    case 'older-than-inputs':
      return `${countOf(count, 'product')} ${verb} older than an input${where}${why}${part}`;
    case 'inputs-gone':
      return `Inputs of ${countOf(count, 'ready job')} are missing on disk${where}${why}${part}`;
  }
}

/**
 * Looks for what verdicts do not say: finished products that are not in the catalog, products that are older than their
 * inputs, and, where there is a disk to look at, ready jobs whose inputs are gone from it. For a reader: a dispatch does
 * without. Call it after `decide`, in its session; then `readReady` is still possible, and nothing else.
 *
 * @param disk absent where the decision looked itself, or inputs are not in the catalog
 * @throws DatabaseError
 */
export async function surveyDecision(
  session: Session,
  decision: Decision,
  catalog: Database,
  disk: Disk | undefined,
): Promise<Survey> {
  const { funnel, names } = decision;
  const finished = funnel.blockedByState.finished ?? 0;
  const findings: Finding[] = [];
  const warnings: DecisionWarning[] = [];
  const add = (kind: Finding['kind'], of: number, found: Pick<Finding, 'count' | 'looked' | 'example'>): void => {
    const finding = { kind, of, ...found };
    findings.push(finding);
    if (found.count > 0) warnings.push({ kind, count: found.count, message: describeFinding(finding) });
  };
  if (finished > 0) {
    await putFinished(session, decision);
    add('not-in-catalog', finished, await findUnregistered(session, catalog, names));
  }
  if (funnel.counts.blocked > 0) add('report-refused', funnel.counts.blocked, await findRefusedReports(session));
  if (finished + funnel.counts.exists > 0) {
    add('older-than-inputs', finished + funnel.counts.exists, await findOutdated(session, catalog));
  }
  if (disk !== undefined && funnel.counts.ready > 0) {
    const wanted = sql`l.lfn in (select n.lfn from pg_temp.needed n join pg_temp.ready using (ordinal))`;
    warnings.push(...(await checkDisk(session, disk, wanted)));
    add('inputs-gone', funnel.counts.ready, await findGone(session));
  }
  return { findings, warnings };
}
