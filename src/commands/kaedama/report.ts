import { writeJson, writeLine } from '#cli/output.ts';
import { formatDstname } from '#model/dst-name.ts';
import { UsageError } from '#model/errors.ts';
import { describeStop } from '#reports/settled/describe-stop.ts';
import { assertPresent } from '#util/assert-present.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';
import { formatRanges } from '#util/text/format-ranges.ts';

import type { PhaseClock } from '#dispatch/phase-clock.ts';
import type { Log, Say } from '#model/log.ts';
import type { PassOutcome } from '#pass/run-pass.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';
import type { Settled } from '#settle/settle-site.ts';

import type { KaedamaRequest } from './kaedama-options.ts';

/** Reports what the operator should know about settling before a dispatch. */
export function reportSettled(rule: string, { attempts }: Settled, say: Say): void {
  const { reasons, unknown, disbelieved, stops } = attempts;
  for (const stop of stops) say(describeStop(stop));
  if (unknown + disbelieved > 0)
    say(`The jobs of '${rule}' are not all known: ${assertPresent(reasons[0], 'why jobs are not known').why}`);
}

/** What a dispatch came to. */
interface PassReport {
  readonly prepared: PreparedRule;
  readonly outcome: PassOutcome;
  readonly phases: ReturnType<PhaseClock['times']>;
}

/**
 * Prints how a dispatch ended: what the batch system remarked, then a last line or JSON; in the log, every run with its
 * segments.
 *
 * @throws UsageError where it was declined
 */
export async function reportPass(
  request: KaedamaRequest,
  { prepared, outcome, phases }: PassReport,
  { log, say }: { readonly log: Log; readonly say: Say },
): Promise<void> {
  if (outcome.kind === 'declined') {
    throw new UsageError('Not dispatched: the answer was no', {
      code: 'usage-declined',
      advice: "use '--yes' to skip the question",
    });
  }
  const { rule } = request;
  const { applied, funnel, cursor, cleared } = outcome;
  if (cursor?.stays !== undefined) say(`The cursor was not moved: ${cursor.stays}`);
  if (cursor !== undefined) {
    log.info({ rule, run: cursor.run, how: request.wish.cursor?.kind }, 'cursor');
    say(`The cursor of '${rule}' is at run ${cursor.run}`);
  }
  for (const note of applied.notes) say(note);
  logDispatch(request, { prepared, outcome, phases }, outcome, log);
  if (request.isJson) await writeJson({ rule, funnel, ...applied, phases });
  else await writeLine(lastLineOf(rule, applied));
  if (cleared !== undefined) say(`${countOf(cleared, 'held job')} of '${rule}' removed`);
}

type Dispatched = Extract<PassOutcome, { kind: 'dispatched' }>;

function lastLineOf(rule: string, { submitted, lost, submissions }: Dispatched['applied']): string {
  const clusters = submissions.map(({ cluster }) => cluster).join(', ');
  const where = submitted === 0 ? '' : `, cluster ${clusters}`;
  const others = lost === 0 ? '' : `; ${lost} left to another dispatcher`;
  return `${rule}: ${submitted} ${submitted === 1 ? 'job' : 'jobs'} dispatched${where}${others}`;
}

/** Runs in one line of the log at most. */
const runsInLine = 1000;

function logDispatch(
  request: KaedamaRequest,
  { prepared: { names }, phases }: PassReport,
  outcome: Dispatched,
  log: Log,
) {
  const { submitted, lost, submissions } = outcome.applied;
  const shown = outcome.segments.map((one) => [String(one.run), formatRanges(one.segments)] as const);
  for (let from = runsInLine; from < shown.length; from += runsInLine) {
    log.info({ segments: Object.fromEntries(shown.slice(from, from + runsInLine)) }, 'more runs');
  }
  log.info(
    {
      ...{ by: request.isBatch ? 'batch' : request.wish.by, rule: request.rule, runs: request.options.runs },
      name: formatDstname(names.production),
      ...{ submitted, lost, submissions, options: request.options.args, phases },
      ...present({ docstring: request.docstring }),
      segments: Object.fromEntries(shown.slice(0, runsInLine)),
    },
    'dispatched',
  );
}
