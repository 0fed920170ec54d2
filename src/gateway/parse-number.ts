import { HttpProblem } from './http-problem.ts';

/** Reads a number of an address: digits, of an `int` column. @throws HttpProblem 400 */
export function parseNumber(what: string, given: unknown): number {
  const text = String(given);
  const value = Number(text);
  if (/^\d{1,10}$/u.test(text) && value <= 2_147_483_647) return value;
  throw new HttpProblem({
    status: 400,
    code: 'bad-request',
    detail: `The ${what} '${text.slice(0, 40)}' is not a number: expected digits`,
  });
}
