import { SlurpError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';

import { siteErrnoOf } from './exit-codes.ts';

/** Takes passwords out of addresses, wherever they stand in a text. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(/(:\/\/[^\s:/@]*):[^\s@/]+@/gu, '$1:***@');
}

/**
 * Renders an error for the person who typed the command.
 *
 * @param name what each first line begins with, e.g. `kaedama`
 * @returns lines: what happened; every complaint, indented; each cause that says something new; the advice. With
 * `isDebug` also code, facts and the stacks of the whole chain. Passwords in addresses are masked. Ends with a newline
 */
export function renderError(error: unknown, name: string, isDebug = false): string {
  const lines = [`${name}: ${messageOf(error)}`];
  if (error instanceof SlurpError) lines.push(...error.complaints.map((complaint) => `  ${complaint}`));
  lines.push(...renderCauses(error));
  const advice = adviceOf(error);
  if (advice !== undefined) lines.push(`  ${advice}`);
  if (isDebug) lines.push(...renderDebug(error));
  return `${withoutSecrets(lines.join('\n'))}\n`;
}

function messageOf(error: unknown): string {
  if (error instanceof SlurpError) return error.message;
  if (siteErrnoOf(error) !== undefined) {
    const words = describeError(error);
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  }
  return `Internal error: ${error instanceof Error ? error.message : String(error)}`;
}

function adviceOf(error: unknown): string | undefined {
  if (error instanceof SlurpError) return error.advice;
  if (siteErrnoOf(error) !== undefined) return undefined;
  return "This is a bug in SLURP: please report it with the output of '--debug'";
}

function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && !chain.includes(cause)) {
    chain.push(cause);
    cause = cause.cause;
  }
  return chain;
}

function renderCauses(error: unknown): readonly string[] {
  let said = error instanceof Error ? error.message : '';
  const lines: string[] = [];
  for (const cause of causesOf(error)) {
    const words = describeError(cause, said);
    if (words === '' || said.includes(words)) continue;
    lines.push(`  because: ${words}`);
    said += words;
  }
  return lines;
}

function renderDebug(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  return [error, ...causesOf(error)].flatMap((link) => [
    `  -- ${link.name}${link instanceof SlurpError ? ` (${link.code})` : ''}`,
    ...(link instanceof SlurpError ? renderFacts(link) : []),
    ...(link.stack ?? link.message).split('\n').map((line) => `     ${line}`),
  ]);
}

function renderFacts(error: SlurpError): readonly string[] {
  return Object.entries(error.facts)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `     ${key} = ${String(value)}`);
}
