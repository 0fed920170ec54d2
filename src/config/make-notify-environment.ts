import { withoutControls } from '#util/text/without-controls.ts';

import type { Notification } from '#model/report/alarm.ts';

/**
 * Makes the environment of a command that gets a notification: ours, and the facts as `SLURP_ALARM_…`. They are one line
 * each: what people and servers wrote may contain anything.
 */
export function makeNotifyEnvironment(
  { id, word, cause, rule = '', what, advice, at }: Notification,
  site: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string | undefined>> {
  const facts = {
    ID: String(id),
    WORD: word,
    CAUSE: cause,
    RULE: rule,
    WHAT: what,
    ADVICE: advice,
    AT: at,
    SITE: site,
  };
  const entries = Object.entries(facts).map(([name, text]) => [`SLURP_ALARM_${name}`, withoutControls(text)]);
  return { ...env, ...Object.fromEntries(entries) };
}
