import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, it } from 'vitest';

import { assertPresent } from '#util/assert-present.ts';
import { wakeProcess } from '#util/process/wake-process.ts';
import { waitUntil } from '#util/wait-until.ts';

it('lets a stopped process go on, and leaves others alone', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pid = assertPresent(child.pid, 'a process id');
  try {
    expect(wakeProcess(pid)).toBe(false);
    process.kill(pid, 'SIGSTOP');
    const woken = await waitUntil(() => (wakeProcess(pid) ? true : undefined), { timeoutMs: 25_000 });
    expect(woken).toBe(true);
    await waitUntil(() => (wakeProcess(pid) ? undefined : true), { timeoutMs: 25_000 });
    expect(wakeProcess(pid)).toBe(false);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  expect(wakeProcess(pid)).toBe(false);
});
