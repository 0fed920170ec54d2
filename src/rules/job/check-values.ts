import { canBeExpression } from '../text/can-be-expression.ts';
import { checkFinishedValue, isBoolean, isSize, isWord, sizeWanted } from './check-finished-value.ts';

import type { Rule } from '#model/rule.ts';

import type { Complainer } from '../complain.ts';

const canBeText = (text: string): boolean => /[{}$]/.test(text);

/**
 * Reports which params hold what nothing can be done with. Fields and macros in them are left alone: what they come to is
 * another text's matter.
 */
export function checkParamValues(rule: Rule, params: Readonly<Record<string, string>>, complainer: Complainer): void {
  const textOf = (key: string): string | undefined => {
    const text = params[key]?.trim();
    return text === undefined || text === 'None' || canBeText(text) ? undefined : text;
  };
  const { mem, disk } = { mem: textOf('mem'), disk: textOf('disk') };
  for (const key of ['mem', 'disk']) {
    if (params[key]?.trim() !== 'None') continue;
    const expected = `${sizeWanted}, or no params.${key}`;
    complainer.error({ path: `params.${key}`, message: `params.${key} is empty`, expected });
  }
  const isNoSize = (text: string | undefined): boolean =>
    text !== undefined && !isSize(text) && (isWord(text) || !canBeExpression(text));
  if (isNoSize(mem)) {
    const what = rule.params['mem'] === params['mem'] ? '' : ' of --mem';
    const complaint = { path: 'params.mem', message: `'${mem}'${what} is not a memory size`, expected: sizeWanted };
    // The usual request is `$(mem)`; a rule may have one of its own.
    const request = rule.job['request_memory'];
    if (request === undefined || /\$\(mem[:)]|\{mem\}/i.test(request)) complainer.error(complaint);
    else complainer.warning(complaint);
  }
  if (isNoSize(disk)) {
    const isUsed = Object.values(rule.job).some((text) => /\$\(disk[:)]|\{disk\}/i.test(text));
    const complaint = { path: 'params.disk', message: `'${disk}' is not a disk size`, expected: sizeWanted };
    if (isUsed) complainer.error(complaint);
    else complainer.warning(complaint);
  }
  for (const key of ['nevents', 'neventsper']) {
    const text = textOf(key);
    if (text === undefined || /^[-+]?\d+$/.test(text)) continue;
    const path = `params.${key}`;
    complainer.warning({ path, message: `'${params[key]}' is not a number of events`, expected: 'a whole number' });
  }
  const { dump, dbinput } = { dump: textOf('dump'), dbinput: textOf('dbinput') };
  const expected = 'true or false';
  if (dump !== undefined && !isBoolean(dump)) {
    complainer.error({ path: 'params.dump', message: `params.dump is '${params['dump']}'`, expected });
  }
  if (dbinput !== undefined && !isBoolean(dbinput)) {
    const message = `params.dbinput is '${params['dbinput']}', which is read as true`;
    complainer.warning({ path: 'params.dbinput', message, expected });
  }
}

/**
 * Reports which values of a job HTCondor would refuse, or never find a machine for.
 *
 * @param values finished texts of the commands that the rule itself writes, something put in for macros
 */
export function checkJobValues(values: ReadonlyMap<string, string>, complainer: Complainer): void {
  for (const [key, written] of values) {
    const text = written.trim();
    if (text === '') continue;
    if (/[\n\r]/.test(text)) {
      const message = `The value of ${key} contains a line break`;
      complainer.error({ path: `job.${key}`, message, expected: 'a value in one line' });
      continue;
    }
    const judged = checkFinishedValue(key, text);
    if (judged === undefined) continue;
    const { isFatal, ...complaint } = judged;
    if (isFatal) complainer.error({ path: `job.${key}`, ...complaint });
    else complainer.warning({ path: `job.${key}`, ...complaint });
  }
}
