import { renderError } from './render-error.ts';

import type { Say } from '#model/log.ts';

/** Makes the function that says one line to the person at the terminal: `NAME: line` on stderr. */
export function makeSay(name: string): Say {
  return (line) => {
    process.stderr.write(`${name}: ${line}\n`);
  };
}

/** Prints an error after which the command continues, in the form of `runMain`. Its first line begins with `name`. */
export function printError(error: unknown, name: string, isDebug = false): void {
  process.stderr.write(renderError(error, name, isDebug));
}
