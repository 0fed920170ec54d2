import { countOf } from '#util/count-of.ts';
import { formatDuration } from '#util/text/format-duration.ts';
import { withoutControls } from '#util/text/without-controls.ts';

import type { OpenAlarm, Undelivered } from '#model/report/alarm.ts';

/**
 * Renders what needs a person: the open alarms, the oldest first, and whether notifications wait for delivery.
 *
 * @returns lines, each ended by a newline; empty where there is nothing
 */
export function renderAlarms(alarms: readonly OpenAlarm[], undelivered: Undelivered, now: Date): string {
  const ageOf = (at: string): string =>
    formatDuration(Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1000)));
  const lines = alarms.flatMap(({ cause, what, advice, raisedAt }) => [
    // Texts of alarms contain messages of file systems and servers, which can hold control characters.
    withoutControls(`alarm ${cause}, ${ageOf(raisedAt)} ago: ${what}`),
    `  ${withoutControls(advice)}`,
  ]);
  const { count, oldestSeconds, problem } = undelivered;
  // Those of the last minute are on their way.
  if (count > 0 && (problem !== undefined || oldestSeconds > 60)) {
    const why = problem === undefined ? '' : `: ${withoutControls(problem)}`;
    lines.push(
      `${countOf(count, 'notification')} not delivered, the oldest for ${formatDuration(oldestSeconds)}${why}`,
    );
  }
  return lines.length === 0 ? '' : `\n${lines.map((line) => `${line}\n`).join('')}`;
}
