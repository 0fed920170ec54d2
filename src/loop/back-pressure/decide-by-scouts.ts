import { countOf } from '#util/count-of.ts';

import type { ScoutCount } from '#db/status/loop/count-scouts.ts';

import type { PressureVerdict } from './pressure-verdict.ts';

/** Decides how many jobs of a production may go while its first ones, the scouts, have not all finished: `scouts`. */
export function decideByScouts({ finished, open, failed, example }: ScoutCount, scouts: number): PressureVerdict {
  if (finished >= scouts) return { kind: 'go', room: Infinity };
  const room = scouts - finished - open - failed;
  if (room > 0) return { kind: 'go', room };
  const rest = `${finished} of ${countOf(scouts, 'scout')} finished, ${open} under way`;
  if (failed === 0) return { kind: 'wait', reason: `${rest}: the other jobs wait for them ('scouts')` };
  const which = `${failed} failed (${example ?? 'unknown'}${failed > 1 ? ' and others' : ''})`;
  return { kind: 'wait', reason: `${rest}, ${which}: the other jobs wait until they are redone ('scouts')` };
}
