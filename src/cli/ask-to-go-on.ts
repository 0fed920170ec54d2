import { createInterface } from 'node:readline/promises';

/** Returns whether there is a terminal at which somebody can be asked. */
export function isSomebodyThere(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks the person at the terminal whether to go on.
 *
 * @returns true for an answer that begins with y, and where there is no terminal to ask at
 */
export async function askToGoOn(): Promise<boolean> {
  if (!isSomebodyThere()) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y/iu.test((await terminal.question('Go on? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}
