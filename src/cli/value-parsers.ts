import { InvalidArgumentError } from 'commander';

import { readInstant } from '#model/job/read-instant.ts';

/**
 * Parses a whole number as Python's int() does: spaces around it, leading zeros, a sign.
 *
 * @throws InvalidArgumentError, which the reader of the command line reports with the name of the option
 */
export function parseWholeNumber(text: string): number {
  const value = /^\s*[-+]?\d+\s*$/u.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`'${text}' is not a whole number`);
}

/** Parses a whole number from 0; see {@link parseWholeNumber}. */
export function parseCount(text: string): number {
  const value = /^\s*\+?\d+\s*$/u.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`'${text}' is not a whole number: expected 0 or more`);
}

/** Passes a value on unless it is empty; see {@link parseWholeNumber}. */
export function parseFilled(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('it is empty');
}

const instant = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[-+]\d\d:?\d\d)?)?$/iu;

/**
 * Parses a time; one without zone is UTC, as the database has it. See {@link parseWholeNumber}.
 *
 * @returns UTC, ISO 8601 with milliseconds
 */
export function parseInstant(text: string): string {
  const [, day = '', time = '00:00', zone = 'Z'] = instant.exec(text.trim()) ?? [];
  const parsed = readInstant(`${day}T${time}${zone.toUpperCase().replace(/^([-+]\d\d)(\d\d)$/u, '$1:$2')}`);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError(`'${text}' is not a time: expected for example '2025-04-10 12:00:00'`);
}

/** Makes the parser of an option or argument with several values from the parser of one. */
export function makeListParser<T>(parse: (text: string) => T): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => [...before, parse(text)];
}
