import { parseIntegerExpression } from '#util/text/integer-expression.ts';

import { canBeExpression } from '../text/can-be-expression.ts';
import {
  amountKeys,
  booleanValues,
  dependentExpressions,
  formedValues,
  integerValues,
  isExpressionKey,
  transferValues,
  wordValues,
} from './value-kinds.ts';

/** Whether a text is an amount of memory or disk. */
export const isSize = (text: string): boolean => /^(?:\d+\.?\d*|\.\d+)\s*(?:[KMGT]B?)?$/i.test(text);
/** Returns whether a text is an identifier of ClassAds: letters, digits and `_`, not beginning with a digit. */
export const isWord = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);
/** Whether a text is true or false. */
export const isBoolean = (text: string): boolean => /^(?:true|false)$/i.test(text);
const isQuoted = (text: string): boolean => /^"[^"]*"$/.test(text);
/** A name that a job or a machine may well have as an attribute. */
const isAttribute = (text: string): boolean =>
  isBoolean(text) || /usage|request|memory|size|num|job|disk|cpus|gpus|undefined/i.test(text);

/** The form of {@link isSize}, as the end of a message after "expected". */
export const sizeWanted = 'a number with a unit, e.g. 4096MB or 1.5G';

/** A value that HTCondor would refuse or ignore, with the message for the rule's author. */
export interface ValueFault {
  /** HTCondor refuses it; else no machine would be found, or it is passed over. */
  readonly isFatal: boolean;
  readonly message: string;
  readonly expected: string;
}

/**
 * Finds what HTCondor would refuse in the finished value that a row gives to a command or attribute; undefined: nothing.
 *
 * @param text not empty, without spaces at its ends
 */
export function checkRowValue(key: string, text: string): Omit<ValueFault, 'isFatal'> | undefined {
  if (key === 'should_transfer_files' && text.toUpperCase() !== 'YES') return makeFault(key, text, 'YES');
  if (dependentExpressions.has(key) && !canBeExpression(text)) return makeFault(key, text, 'a ClassAd expression');
  const judged = checkFinishedValue(key, text);
  return judged?.isFatal === true ? judged : undefined;
}

/** Whether a value of a command cannot be judged with a number in the place of a macro. */
export function isFormedKey(key: string): boolean {
  return wordValues.has(key) || formedValues.has(key);
}

function makeFault(key: string, text: string, expected: string, isFatal = true): ValueFault {
  return { isFatal, message: `'${text}' is not a valid value of '${key}'`, expected };
}

/**
 * Finds what is wrong with a finished value; undefined: nothing.
 *
 * @param text not empty, without spaces at its ends
 */
export function checkFinishedValue(key: string, text: string): ValueFault | undefined {
  const known = wordValues.get(key);
  if (known !== undefined) return checkWord(key, text, known);
  const formed = formedValues.get(key);
  if (formed !== undefined) {
    // What HTCondor alone fills in is not known here.
    const filled = text.replaceAll(/\$\$\([^)]*\)|\$\((?:ClusterId|ProcId)\)/giu, '1');
    return formed.isRight(filled) ? undefined : makeFault(key, text, formed.expected);
  }
  const isWrong = (isWord(text) && !isBoolean(text)) || isQuoted(text) || !canBeExpression(text);
  if (key === 'success_exit_code' && !isWrong && !text.includes('$') && parseIntegerExpression(text) === undefined) {
    return { isFatal: false, message: `'${text}' as success_exit_code counts as 0`, expected: 'a whole number' };
  }
  if (integerValues.has(key)) return isWrong ? makeFault(key, text, 'a whole number') : undefined;
  const isTransfer = transferValues.has(key);
  if (isTransfer || booleanValues.has(key)) {
    return isWrong ? makeFault(key, text, 'true or false', !isTransfer) : undefined;
  }
  if (amountKeys.test(key)) return checkAmount(key, text);
  if (!isExpressionKey(key) || canBeExpression(text)) return undefined;
  return makeFault(key, text, 'a ClassAd expression, with strings in double quotes');
}

function checkWord(key: string, text: string, known: readonly string[]): ValueFault | undefined {
  const isNumber = key === 'universe' && /^\d+$/.test(text);
  if (!isNumber && !known.some((word) => word.toLowerCase() === text.toLowerCase())) {
    return makeFault(key, text, `one of ${known.join(', ')}`);
  }
  if (key !== 'should_transfer_files' || text.toUpperCase() === 'YES') return undefined;
  const message = `With ${key} '${text}' a job has no directory of its own, and is not submitted to HTCondor`;
  return { isFatal: false, message, expected: 'YES' };
}

function checkAmount(key: string, text: string): ValueFault | undefined {
  const hasUnit = key === 'request_memory' || key === 'request_disk';
  if (hasUnit && isSize(text)) return undefined;
  const expected = hasUnit ? `${sizeWanted}, or an expression` : 'a number, or an expression';
  if (!canBeExpression(text)) return makeFault(key, text, expected);
  if (!isQuoted(text) && (!isWord(text) || isAttribute(text))) return undefined;
  return { isFatal: false, message: `No machine offers '${text}' as ${key}`, expected };
}
