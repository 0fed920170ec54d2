import { parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';

import { makeSlurpProgram } from './slurp/slurp-program.ts';

void runMain(
  'slurp',
  async (context) => {
    await parseProgram(makeSlurpProgram(context), context.argv);
    return 0;
  },
  { graceMs: 60_000 },
);
