import { findAlarms, markAlarmCleared, raiseAlarm } from '#db/status/alarm/alarms.ts';
import { countOf } from '#util/count-of.ts';

import type { Database } from '#db/connect.ts';
import type { Alarm } from '#model/report/alarm.ts';
import type { Discrepancies, DiscrepancyGroup, DiscrepancyKind } from '#model/report/discrepancies.ts';

/** The kinds that need a person. A failed job whose product exists is only reported: nothing waits for it. */
const alarms: Readonly<
  Partial<
    Record<
      DiscrepancyKind,
      { readonly kind: string; readonly what: (count: number, rule: string) => string; readonly advice: string }
    >
  >
> = {
  'still-running': {
    kind: 'still-running',
    what: (count, rule) =>
      `${countOf(count, 'job')} of '${rule}' still ${count === 1 ? 'runs' : 'run'} after the end was reported`,
    advice: "Look at the jobs, and remove them if they do nothing any more ('condor_rm'); 'slurp reconcile' lists them",
  },
  'output-missing': {
    kind: 'missing',
    what: (count, rule) => `${countOf(count, 'finished job')} of '${rule}' left no product`,
    advice:
      "Look at their logs, then redo them with 'kaedama … --resubmit --unblock-state finished'; 'slurp reconcile' lists them",
  },
  'file-gone': {
    kind: 'gone',
    what: (count, rule) =>
      `${countOf(count, 'file')} of '${rule}' in the catalog ${count === 1 ? 'is' : 'are'} gone from disk`,
    advice:
      "Restore what is missing, or remove the products with 'ramenya remove', so that they are made again; 'slurp reconcile' lists them",
  },
};

/**
 * Raises an alarm for each rule and kind of discrepancy that needs a person, and for a mass of files that seem to be gone;
 * clears those that are over. While something of a kind is unknown, its alarms stay.
 *
 * @throws DatabaseError
 */
export async function putDiscrepancyAlarms(status: Database, discrepancies: Discrepancies): Promise<void> {
  const raised = discrepancies.groups.flatMap(alarmOf);
  for (const alarm of raised) await raiseAlarm(status, alarm);
  const causes = new Set(raised.map(({ cause }) => cause));
  const { checked, uncertain, disbelieved } = discrepancies;
  for (const { cause, rule } of await findAlarms(status)) {
    const kind = checked.find((one) => cause.startsWith(`${alarms[one]?.kind}:`));
    if (kind === undefined || causes.has(cause)) continue;
    const isUncertain = uncertain.some((one) => one.kind === kind && (one.rule === undefined || one.rule === rule));
    // What is disbelieved may hide what the alarm is about.
    const isHidden = kind === 'file-gone' && disbelieved.length > 0;
    if (!isUncertain && !isHidden) await markAlarmCleared(status, cause);
  }
  if (checked.includes('file-gone')) await putMassOfFiles(status, discrepancies);
}

function alarmOf({ kind, rule, count, examples }: DiscrepancyGroup): readonly Alarm[] {
  const words = alarms[kind];
  if (words === undefined) return [];
  const example = examples[0] === undefined ? '' : `, e.g. '${examples[0].dstfile}'`;
  const what = `${words.what(count, rule)}${example}`;
  return [{ cause: `${words.kind}:${rule}`, rule, what, advice: words.advice }];
}

async function putMassOfFiles(status: Database, { disbelieved, uncertain }: Discrepancies): Promise<void> {
  const cause = 'mass:files';
  const [first] = disbelieved;
  if (first !== undefined) {
    const { where, gone, looked } = first;
    const others = disbelieved.length === 1 ? '' : ` and ${countOf(disbelieved.length - 1, 'other place')}`;
    await raiseAlarm(status, {
      cause,
      what: `${gone} of ${countOf(looked, 'file')} of '${where}'${others} seem to be gone from disk at once`,
      advice:
        "Is a file system not mounted? Nothing was recorded; if the files are really gone: 'slurp reconcile --yes'",
    });
  } else if (!uncertain.some(({ kind }) => kind === 'file-gone')) await markAlarmCleared(status, cause);
}

/**
 * Raises or clears the alarm that most jobs seem to have vanished at once.
 *
 * @param attempts of all rules
 * @throws DatabaseError
 */
export async function putMassOfJobs(
  status: Database,
  attempts: { readonly disbelieved: number; readonly checked: number; readonly unknown: number },
): Promise<void> {
  const cause = 'mass:jobs';
  const { disbelieved, checked, unknown } = attempts;
  if (disbelieved > 0) {
    await raiseAlarm(status, {
      cause,
      what: `${disbelieved} of ${countOf(checked, 'open attempt')} seem to have vanished from the batch system at once`,
      advice:
        "Does this host query the right batch system? Nothing was recorded; if the jobs are really gone: 'slurp reconcile --yes'",
    });
  } else if (unknown === 0) await markAlarmCleared(status, cause);
}
