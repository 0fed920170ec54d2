import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

import { findAlarms } from '#db/status/alarm/alarms.ts';
import { startHealthWatch } from '#serve/health-watch.ts';
import { waitUntil } from '#util/wait-until.ts';

import { openTestStatus } from '../db/test-database.ts';
import { silentLog } from '../util/silent-log.ts';

import type { Repetition } from '#util/start-repeating.ts';

import type { TestStatus } from '../db/test-database.ts';

let world: TestStatus;
let watch: Repetition | undefined;

beforeAll(async () => {
  world = await openTestStatus(2);
});
afterEach(() => watch?.stop());
afterAll(() => world.close());

it('raises an alarm of a gateway that stays degraded, not of one that was for a moment, and clears it (C-Q38)', async () => {
  const { status } = world;
  const answers = [['a'], ['a'], [], ['a'], ['a'], ['a', 'b'], []];
  const seen: (string | undefined)[] = [];
  watch = startHealthWatch({
    ...{ status, host: 'gate1', log: silentLog, everyMs: 1 },
    findFaults: async () => {
      // What the check before has left.
      seen.push((await findAlarms(status))[0]?.what);
      return answers[seen.length - 1] ?? [];
    },
  });
  await waitUntil(() => (seen.length > answers.length ? true : undefined), { timeoutMs: 20_000, everyMs: 1 });
  const none = undefined;
  const degraded = "The gateway on 'gate1' is degraded: a; b";
  expect(seen.slice(0, 8)).toEqual([none, none, none, none, none, none, degraded, none]);
});

it('is not stopped by a check that fails', async () => {
  let checks = 0;
  watch = startHealthWatch({
    ...{ status: world.status, host: 'gate1', log: silentLog, everyMs: 1 },
    findFaults: () => {
      checks += 1;
      return Promise.reject(new Error('away'));
    },
  });
  expect(await waitUntil(() => (checks > 3 ? true : undefined), { timeoutMs: 20_000, everyMs: 1 })).toBe(true);
});
