import { parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';

import { makeRamenyaProgram } from './ramenya/ramenya-program.ts';

/** Who asks a loop to stop waits for the rule under way; a second signal ends it at once. */
const longestPassMs = 3_600_000;

void runMain(
  'ramenya',
  async (context) => {
    let exitCode = 0;
    const end = (code: number): void => {
      exitCode = code;
    };
    await parseProgram(makeRamenyaProgram(context, end), context.argv);
    return exitCode;
  },
  { graceMs: longestPassMs },
);
