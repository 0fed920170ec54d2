import { present } from '#util/present.ts';

import { sql } from '../../connect.ts';
import { markAlarmCleared, raiseAlarm } from '../alarm/alarms.ts';

import type { BadNode, FoundNode } from '#model/policy/bad-node.ts';
import type { Alarm } from '#model/report/alarm.ts';

import type { Database, Queryable, Session } from '../../connect.ts';

const now = sql`(now() at time zone 'utc')`;
const untilSql = sql`to_char(expires_at, 'YYYY-MM-DD HH24:MI') as until`;

/**
 * Finds the nodes that are known to be bad, by name.
 *
 * @throws DatabaseError
 */
export async function findBadNodes(status: Queryable): Promise<readonly BadNode[]> {
  const rows = await status.query<{
    readonly node: string;
    readonly reason: string;
    readonly foundAt: Date;
    readonly expiresAt: Date;
    readonly mayBeAvoided: boolean;
    readonly avoidedAt: Date | null;
  }>(sql`
    select node, reason, found_at as "foundAt", expires_at as "expiresAt", may_be_avoided as "mayBeAvoided",
           avoided_at as "avoidedAt"
    from ${sql.table(status.role, 'bad_node')} where found_at is not null and expires_at > ${now} order by node`);
  return rows.map(({ avoidedAt, ...row }) => ({
    ...row,
    ...{ foundAt: row.foundAt.toISOString(), expiresAt: row.expiresAt.toISOString() },
    ...present({ avoidedAt: avoidedAt?.toISOString() }),
  }));
}

/**
 * Finds the names of the nodes that new jobs avoid.
 *
 * @throws DatabaseError
 */
export async function findAvoidedNodes(status: Queryable): Promise<readonly string[]> {
  const rows = await status.query<{ readonly node: string }>(sql`
    select node from ${sql.table(status.role, 'bad_node')}
    where avoided_at is not null and expires_at > ${now} order by node`);
  return rows.map(({ node }) => node);
}

/**
 * Records which nodes are bad. A node that jobs avoid remains until its time is over; one that was only reported, and is
 * not bad any more, is removed.
 *
 * @throws DatabaseError
 */
export async function putFoundNodes(status: Database, found: readonly FoundNode[]): Promise<void> {
  const nodes = sql.table(status.role, 'bad_node');
  const rows = found.map(({ node, reason, expiresMs, mayBeAvoided }) => ({
    ...{ node, reason, may_be_avoided: mayBeAvoided, expires_at: new Date(expiresMs).toISOString() },
  }));
  await status.transaction(async (session) => {
    await session.execute(sql`
      delete from ${nodes} where found_at is not null and avoided_at is null
        and node <> all(${rows.map(({ node }) => node)}::text[])`);
    await session.execute(sql`
      insert into ${nodes} as old (node, reason, found_at, expires_at, may_be_avoided)
      select n.node, n.reason, ${now}, n.expires_at at time zone 'utc', n.may_be_avoided
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as n(node text, reason text, expires_at timestamptz, may_be_avoided boolean)
      order by n.node
      on conflict (node) do update set
        reason = excluded.reason, found_at = coalesce(old.found_at, excluded.found_at),
        expires_at = excluded.expires_at, may_be_avoided = excluded.may_be_avoided`);
    const avoided = await session.query<AvoidedNode>(sql`
      select node, reason, ${untilSql} from ${nodes}
      where avoided_at is not null and node = any(${rows.map(({ node }) => node)}::text[]) order by node`);
    for (const node of avoided) await raiseAlarm(session, makeAlarm(node));
  });
}

/**
 * Makes new jobs avoid the nodes that are known to be bad, and raises an alarm about each.
 *
 * @param guard called first: throws if the loop has lost the right to write
 * @returns the names of the nodes that were not avoided before
 * @throws DatabaseError
 */
export async function markNodesAvoided(
  status: Database,
  guard: (session: Session) => Promise<void>,
): Promise<readonly string[]> {
  const nodes = sql.table(status.role, 'bad_node');
  const isDue = sql`avoided_at is null and may_be_avoided and found_at is not null and expires_at > ${now}`;
  const due = await status.query(sql`select from ${nodes} where ${isDue} limit 1`);
  if (due.length === 0) return [];
  return status.transaction(async (session) => {
    await guard(session);
    const marked = await session.query<AvoidedNode>(sql`
      update ${nodes} set avoided_at = ${now} where ${isDue} returning node, reason, ${untilSql}`);
    for (const node of marked) await raiseAlarm(session, makeAlarm(node));
    return marked.map(({ node }) => node);
  });
}

interface AvoidedNode {
  readonly node: string;
  readonly reason: string;
  readonly until: string;
}

function makeAlarm({ node, reason, until }: AvoidedNode): Alarm {
  return {
    ...{ cause: `node:${node}`, what: `New jobs avoid '${node}' until ${until} UTC: ${reason}` },
    advice: `Fix the machine; 'ramenya nodes --allow ${node}' lets jobs use it before that`,
  };
}

/**
 * Removes the nodes whose time is over, and clears their alarms.
 *
 * @throws DatabaseError
 */
export async function removeExpiredNodes(status: Database): Promise<void> {
  await status.transaction(async (session) => {
    const removed = await session.query<{ readonly node: string }>(sql`
      delete from ${sql.table(session.role, 'bad_node')}
      where expires_at <= ${now} or (found_at is null and allowed_at < ${now} - interval '30 days') returning node`);
    for (const { node } of removed) await markAlarmCleared(session, `node:${node}`);
  });
}

/**
 * Lets jobs use a node again, and clears its alarm. Its failures until now do not make it bad again.
 *
 * @returns whether it was known to be bad
 * @throws DatabaseError
 */
export async function markNodeAllowed(status: Database, node: string): Promise<boolean> {
  return status.transaction(async (session) => {
    const allowed = await session.execute(sql`
      update ${sql.table(session.role, 'bad_node')}
      set allowed_at = ${now}, found_at = null, reason = null, expires_at = null, avoided_at = null, may_be_avoided = false
      where node = ${node} and found_at is not null`);
    if (allowed > 0) await markAlarmCleared(session, `node:${node}`);
    return allowed > 0;
  });
}
