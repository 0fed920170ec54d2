import { createInterface } from 'node:readline/promises';

/** Returns whether standard input and standard error are a terminal, so that a question can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks the person at the terminal whether to go on.
 *
 * @returns true for an answer that begins with y, and where there is no terminal to ask at
 */
export async function askToGoOn(): Promise<boolean> {
  if (!canAsk()) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y/iu.test((await terminal.question('Go on? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}
