import type { Say } from '#model/log.ts';

/** Makes the function that says one line to the person at the terminal: `NAME: line` on stderr. */
export function makeSay(name: string): Say {
  return (line) => {
    process.stderr.write(`${name}: ${line}\n`);
  };
}
