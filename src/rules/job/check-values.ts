import type { Rule } from '#model/rule.ts';
import type { Complainer } from '../complain.ts';
import { mayBeExpression } from '../text/may-be-expression.ts';

// What HTCondor says of each of these was asked of condor_submit 23.9: nothing that works is complained of here.

const isSize = (text: string): boolean => /^(?:\d+\.?\d*|\.\d+)\s*(?:[KMGT]B?)?$/i.test(text);
const isWord = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);
const isBoolean = (text: string): boolean => /^(?:true|false)$/i.test(text);
const isQuoted = (text: string): boolean => /^"[^"]*"$/.test(text);
/** A name that a job or a machine may well have as an attribute. */
const isAttribute = (text: string): boolean =>
  isBoolean(text) || /usage|request|memory|size|num|job|disk|cpus|gpus|undefined/i.test(text);
const mayBeText = (text: string): boolean => /[{}$]/.test(text);

const sizeWanted = 'a number with a unit, e.g. 4096MB or 1.5G';

/**
 * Says which params hold what nothing can be done with. Fields and macros in them are left alone: what they come to is
 * another text's matter.
 */
export function checkParamValues(rule: Rule, params: Readonly<Record<string, string>>, complainer: Complainer): void {
  const textOf = (key: string): string | undefined => {
    const text = params[key]?.trim();
    return text === undefined || text === 'None' || mayBeText(text) ? undefined : text;
  };
  const { mem, disk } = { mem: textOf('mem'), disk: textOf('disk') };
  for (const key of ['mem', 'disk']) {
    if (params[key]?.trim() !== 'None') continue;
    const expected = `${sizeWanted}, or no params.${key}`;
    complainer.error({ path: `params.${key}`, message: `params.${key} is empty`, expected });
  }
  const isNoSize = (text: string | undefined): boolean =>
    text !== undefined && !isSize(text) && (isWord(text) || !mayBeExpression(text));
  if (isNoSize(mem)) {
    const what = rule.params['mem'] === params['mem'] ? '' : ' of --mem';
    complainer.error({ path: 'params.mem', message: `'${mem}'${what} is not a memory size`, expected: sizeWanted });
  }
  if (isNoSize(disk)) {
    const isUsed = Object.values(rule.job).some((text) => /\$\(disk[:)]|\{disk\}/i.test(text));
    const grievance = { path: 'params.disk', message: `'${disk}' is not a disk size`, expected: sizeWanted };
    if (isUsed) complainer.error(grievance);
    else complainer.warning(grievance);
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

const words: Readonly<Record<string, readonly string[]>> = {
  universe: ['vanilla', 'container', 'docker', 'grid', 'java', 'local', 'parallel', 'scheduler', 'vm'],
  should_transfer_files: ['YES', 'NO', 'IF_NEEDED', 'ALWAYS', 'NEVER', 'AUTO', 'TRUE', 'FALSE'],
  when_to_transfer_output: ['ON_EXIT', 'ON_EXIT_OR_EVICT', 'ON_SUCCESS', 'NEVER'],
  notification: ['never', 'always', 'complete', 'error'],
};
const integers = new Set(['priority', 'prio', 'jobprio', 'max_retries', 'max_materialize', 'max_idle']);
const booleans = new Set(['hold', 'nice_user', 'stream_input', 'stream_output', 'stream_error']);
/** Whether they are sent depends on what else the job says. */
const transfers = new Set(['transferout', 'transfererr', 'transfer_output', 'transfer_error']);
const amounts = /^(?:request_\w+|job_lease_duration|allowed_(?:job|execute)_duration)$/;
const expressions =
  /^(?:periodic_?(?:hold|release|remove|vacate)|on_?exit_?(?:hold|remove)|requirements|rank|leave_in_queue)$/;

/**
 * Says which values of a job HTCondor would refuse, or never find a machine for.
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
    const judged = judge(key, text);
    if (judged === undefined) continue;
    const { isFatal, ...grievance } = judged;
    if (isFatal) complainer.error({ path: `job.${key}`, ...grievance });
    else complainer.warning({ path: `job.${key}`, ...grievance });
  }
}

/**
 * Tells what HTCondor would refuse in a finished value of one command or attribute; undefined: nothing.
 *
 * @param text not empty, without blanks at its ends
 */
export function judgeJobValue(
  key: string,
  text: string,
): { readonly message: string; readonly expected: string } | undefined {
  const judged = judge(key, text);
  return judged?.isFatal === true ? judged : undefined;
}

interface Judgement {
  readonly isFatal: boolean;
  readonly message: string;
  readonly expected: string;
}

function makeFault(key: string, text: string, expected: string, isFatal = true): Judgement {
  return { isFatal, message: `'${text}' is not a valid value of '${key}'`, expected };
}

function judge(key: string, text: string): Judgement | undefined {
  const known = words[key];
  if (known !== undefined) return judgeWord(key, text, known);
  const isWrong = (isWord(text) && !isBoolean(text)) || isQuoted(text) || !mayBeExpression(text);
  if (integers.has(key)) return isWrong ? makeFault(key, text, 'a whole number') : undefined;
  const isTransfer = transfers.has(key);
  if (isTransfer || booleans.has(key)) {
    return isWrong ? makeFault(key, text, 'true or false', !isTransfer) : undefined;
  }
  if (amounts.test(key)) return judgeAmount(key, text);
  const isExpression = expressions.test(key) || /^(?:\+|my\.)/i.test(key);
  if (!isExpression || mayBeExpression(text)) return undefined;
  return makeFault(key, text, 'a ClassAd expression, with strings in double quotes');
}

function judgeWord(key: string, text: string, known: readonly string[]): Judgement | undefined {
  const isNumber = key === 'universe' && /^\d+$/.test(text);
  if (!isNumber && !known.some((word) => word.toLowerCase() === text.toLowerCase())) {
    return makeFault(key, text, `one of ${known.join(', ')}`);
  }
  if (key !== 'should_transfer_files' || text.toUpperCase() === 'YES') return undefined;
  const message = `With ${key} '${text}' a job has no directory of its own, and is not submitted to HTCondor`;
  return { isFatal: false, message, expected: 'YES' };
}

function judgeAmount(key: string, text: string): Judgement | undefined {
  const hasUnit = key === 'request_memory' || key === 'request_disk';
  if (hasUnit && isSize(text)) return undefined;
  const expected = hasUnit ? `${sizeWanted}, or an expression` : 'a number, or an expression';
  if (!mayBeExpression(text)) return makeFault(key, text, expected);
  if (!isQuoted(text) && (!isWord(text) || isAttribute(text))) return undefined;
  return { isFatal: false, message: `No machine offers '${text}' as ${key}`, expected };
}
