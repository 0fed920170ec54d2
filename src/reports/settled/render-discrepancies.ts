import { countOf } from '#util/count-of.ts';
import { shorten } from '#util/text/shorten.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { Discrepancies, DiscrepancyGroup, DiscrepancyKind } from '#model/report/discrepancies.ts';

const headings: Readonly<Record<DiscrepancyKind, (count: number, rule: string) => string>> = {
  'still-running': (count, rule) => `${countOf(count, 'job')} of '${rule}' running after their end was reported:`,
  'output-missing': (count, rule) => `${countOf(count, 'finished job')} of '${rule}' without a product:`,
  'output-of-failed': (count, rule) => `${countOf(count, 'failed job')} of '${rule}' with a product in the catalog:`,
  'file-gone': (count, rule) => `${countOf(count, 'file')} of '${rule}' in the catalog, but gone from disk:`,
};

const advice: Readonly<Record<DiscrepancyKind, string>> = {
  'still-running': "Look at the job; if it hangs, remove it with 'condor_rm'",
  'output-missing': "'kaedama --why RUN' of the rule shows its log and how to make it again",
  'output-of-failed': "Other rules may read the file; if it is bad, 'ramenya remove' removes it",
  'file-gone': "Restore the file, or 'ramenya remove' the product to make it again",
};

/** Groups have more examples, for JSON. */
const mostShown = 5;
const mostUnknown = 10;

/**
 * Renders discrepancies as lines, each ended by a newline; empty if there is nothing to say.
 *
 * @param width the widest a line may be, in characters; paths and names are not cut
 */
export function renderDiscrepancies({ groups, unknown, disbelieved }: Discrepancies, width: number): string {
  const blocks = groups.map(renderGroup);
  const masses = disbelieved.map(
    ({ where, gone, looked }) =>
      `${gone} of ${countOf(looked, 'file')} of '${where}' seem to be gone at once: not believed`,
  );
  const doubts = unknown.slice(0, mostUnknown).map(({ why, count }) => `unknown: ${count}: ${withoutControls(why)}`);
  const more =
    unknown.length > mostUnknown ? [`and ${countOf(unknown.length - mostUnknown, 'more reason')}: --json`] : [];
  const rest = [...masses, ...doubts, ...more].map((line) => shorten(line, Math.max(width, 200)));
  const parts = [...blocks, ...(rest.length === 0 ? [] : [rest])];
  return parts.map((lines) => `\n${lines.map((line) => `${line}\n`).join('')}`).join('');
}

/** Describes discrepancies in a sentence for each kind and rule, and for each mass of files that seem to be gone. */
export function describeDiscrepancies({ groups, disbelieved }: Discrepancies): readonly string[] {
  return [
    ...groups.map(
      ({ kind, rule, count, examples }) =>
        `${headings[kind](count, rule)} ${examples[0]?.dstfile ?? ''}${count > 1 ? ', …' : ''}`,
    ),
    ...disbelieved.map(
      ({ where, gone, looked }) =>
        `${gone} of ${countOf(looked, 'file')} of '${where}' seem to be gone at once: is its file system mounted?`,
    ),
  ];
}

function renderGroup({ kind, rule, count, examples }: DiscrepancyGroup): readonly string[] {
  const shown = examples.slice(0, mostShown);
  return [
    headings[kind](count, rule),
    ...shown.flatMap(({ dstfile, cupsid, detail }) => [
      `  ${dstfile} (cupsid ${cupsid})`,
      `    ${withoutControls(detail)}`,
    ]),
    ...(count > shown.length ? [`  and ${count - shown.length} more`] : []),
    `  ${advice[kind]}`,
  ];
}
