import { afterEach, expect, it } from 'vitest';

import { startReconcileWatch } from '#serve/reconcile-watch.ts';
import { waitUntil } from '#util/wait-until.ts';

import { silentLog } from '../util/silent-log.ts';

import type { Repetition } from '#util/start-repeating.ts';

let watch: Repetition | undefined;
afterEach(() => watch?.stop());

it('looks once at the start, again when something ended, and as long as something waits', async () => {
  let [endings, looks, idle] = [0, 0, 0];
  const answers = [{ waiting: 0 }, { waiting: 1 }, new Error('away'), { waiting: 0 }];
  watch = startReconcileWatch({
    endings: () => {
      idle += 1;
      return endings;
    },
    reconcile: () => {
      const answer = answers[looks] ?? { waiting: 0 };
      looks += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ ...answer, unknown: 0 });
    },
    log: silentLog,
    everyMs: 1,
  });
  const until = (look: () => boolean): Promise<true | undefined> =>
    waitUntil(() => (look() ? true : undefined), { timeoutMs: 20_000, everyMs: 1 });
  await until(() => idle > 5);
  expect(looks).toBe(1);
  endings = 1;
  expect(await until(() => looks === 4)).toBe(true);
  idle = 0;
  await until(() => idle > 5);
  expect(looks).toBe(4);
});
