import { readReady } from '#db/decide/read-ready.ts';
import { expandJob } from '#rules/expand-job.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Session } from '#db/connect.ts';
import type { SubmissionTerms } from '#db/status/submission/reserve-jobs.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/**
 * Finds out what a submission says about the ends of its attempts: by the first ready row, and carefully where a submit
 * command differs from row to row, since attempts that may start again are settled by the batch system in any case.
 *
 * @throws DatabaseError, RuleError
 */
export async function findTerms(
  session: Session,
  prepared: PreparedRule,
  backend: BatchBackend,
): Promise<SubmissionTerms> {
  const { isProductRequired } = prepared.rule;
  for await (const [row] of readReady(session, 1)) {
    if (row === undefined) break;
    const { commands } = expandJob(prepared, row, { cupsid: 0 });
    const ends = backend.findEnds(commands);
    const varied = prepared.job.commands
      .filter(({ template }) => template.slots.length > 0)
      .map(({ key }) => [key, '$()']);
    const { canRestart } = backend.findEnds({ ...commands, ...Object.fromEntries(varied) });
    return { ...ends, canRestart: ends.canRestart || canRestart, isProductRequired };
  }
  return { canRestart: false, isProductRequired };
}
