import { writeJson, writeLine } from '#cli/output.ts';
import { makeSay } from '#cli/say.ts';
import { findSubmittedSegments } from '#db/status/find-submitted-segments.ts';
import { printDstname } from '#model/dst-name.ts';
import { accountName } from '#util/account-name.ts';
import { printRanges } from '#util/print-ranges.ts';

import type { Database } from '#db/connect.ts';
import type { Applied } from '#dispatch/apply-plan.ts';
import type { PhaseClock } from '#dispatch/phase-clock.ts';
import type { Plan } from '#dispatch/plan-rule.ts';
import type { Log } from '#model/log.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

const say = makeSay('kaedama');

/** Runs in one line of the log at most. */
const runsInLine = 1000;

/**
 * Tells how a dispatch ended: what the batch system remarked, then a last line or JSON; in the log, every run with its
 * segments.
 *
 * @throws DatabaseError
 */
export async function reportDispatch(
  request: KaedamaRequest,
  plan: Plan,
  applied: Applied,
  to: { readonly log: Log; readonly status: Database; readonly clock: PhaseClock },
): Promise<void> {
  const { submitted, lost, submissions, notes } = applied;
  for (const note of notes) say(note);
  const { names } = plan.prepared;
  const phases = to.clock.times();
  const uuids = submissions.map(({ uuid }) => uuid);
  const runs = uuids.length === 0 ? [] : await findSubmittedSegments(to.status, uuids);
  const shown = runs.map(({ run, segments }) => [String(run), printRanges(segments)] as const);
  for (let from = runsInLine; from < shown.length; from += runsInLine) {
    to.log.info({ segments: Object.fromEntries(shown.slice(from, from + runsInLine)) }, 'more runs');
  }
  to.log.info(
    {
      ...{ by: request.isBatch ? 'batch' : accountName(), rule: request.rule, runs: request.options.runs },
      name: printDstname({ ...names, dsttype: names.dsttypePattern }),
      ...{ submitted, lost, submissions, options: request.options.args, phases },
      ...(request.docstring === undefined ? {} : { docstring: request.docstring }),
      segments: Object.fromEntries(shown.slice(0, runsInLine)),
    },
    'dispatched',
  );
  if (request.isJson) {
    await writeJson({ rule: request.rule, funnel: plan.funnel, ...applied, phases });
    return;
  }
  const clusters = submissions.map(({ cluster }) => cluster).join(', ');
  const where = submitted === 0 ? '' : `, cluster ${clusters}`;
  const others = lost === 0 ? '' : `; ${lost} left to another dispatcher`;
  await writeLine(`${request.rule}: ${submitted} ${submitted === 1 ? 'job' : 'jobs'} dispatched${where}${others}`);
}
