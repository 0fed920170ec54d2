import { countOf } from '#util/count-of.ts';
import { shorten } from '#util/text/shorten.ts';

import type { HeldAfterEnd, StoppedSubmission } from '#model/job/stuck-jobs.ts';

const shownAtMost = 10;
/** Reasons may be of 10 kB; the table has them whole. */
const reasonAtMost = 200;

/** What of a rule's production is on hold, as far as it is shown. */
interface HeldJobs {
  readonly jobs: readonly {
    readonly attempt: { readonly id: number };
    readonly report: { readonly holdReason?: string };
  }[];
  /** Jobs whose attempt has ended. */
  readonly ended: readonly HeldAfterEnd[];
  /** Submissions that are on hold as a whole. */
  readonly stops: readonly { readonly stop: StoppedSubmission }[];
}

/** Describes what of a rule's production is on hold, in lines. */
export function describeHeldJobs(rule: string, { jobs, ended, stops }: HeldJobs): readonly string[] {
  return [
    `${countOf(jobs.length, 'job')} of '${rule}' held`,
    ...shortenList(jobs.map(({ attempt, report }) => lineOf(attempt.id, report.holdReason))),
    ...stops.map(
      ({ stop }) =>
        `Cluster ${stop.cluster} is held, with ${countOf(stop.unmade, 'job')} not made yet: ${shorten(stop.reason, reasonAtMost)}`,
    ),
    ...(ended.length === 0 ? [] : [`${countOf(ended.length, 'job')} of '${rule}' held after their attempt ended`]),
    ...shortenList(ended.map(({ cupsid, state, reason }) => lineOf(`${cupsid} (${state})`, reason))),
  ];
}

function lineOf(job: number | string, reason: string | undefined): string {
  return `  ${job}: ${shorten(reason ?? 'no reason', reasonAtMost)}`;
}

function shortenList(lines: readonly string[]): readonly string[] {
  const rest = lines.length - shownAtMost;
  return rest > 0 ? [...lines.slice(0, shownAtMost), `  and ${rest} more`] : lines;
}
