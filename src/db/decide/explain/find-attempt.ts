import { sql } from '#db/connect.ts';

import type { Session, Statement } from '#db/connect.ts';
import type { BlockingAttempt } from '#model/report/verdict-fact.ts';

/** Finds attempts, given the end of the statement: what stands behind `from production_status`. */
export function findAttempts(session: Session, end: Statement): Promise<readonly BlockingAttempt[]> {
  return session.query<BlockingAttempt>(
    sql`select id, dstfile, attempt_number as "attemptNumber", status as state, cluster, process, rule, submission_host as "submissionHost",
        execution_node as "executionNode", exit_code as "exitCode", message,
        coalesce(inputs_dispatched, inputs) as inputs, coalesce(started, running, ended) as "startedAt", submission_id::text as submission,
        case status when 'submitting' then submitting when 'submitted' then submitted when 'started' then started
          when 'running' then running else coalesce(ended, last_message, running, started, submitted, submitting)
        end as since
      from ${sql.table(session.role, 'production_status')} ${end}`,
  );
}

/** Finds one attempt; undefined without an id, and where it is gone. */
export async function findAttempt(session: Session, id: number | null): Promise<BlockingAttempt | undefined> {
  if (id === null) return undefined;
  const [attempt] = await findAttempts(session, sql`where id = ${id}`);
  return attempt;
}
