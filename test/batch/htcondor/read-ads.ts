import * as z from 'zod';

import { runCommand } from '#util/run-command.ts';
import { waitUntil } from '#util/wait-until.ts';

const schema = z.array(z.record(z.string(), z.unknown()));

/** Attributes of the jobs in the queue, by process; waits until there are some. */
export async function readAds(constraint: string, attributes: readonly string[]) {
  const ads = await waitUntil(
    async () => {
      const args = ['-json', '-attributes', ['ProcId', ...attributes].join(','), '-constraint', constraint];
      const { stdout } = await runCommand('condor_q', args);
      return stdout.trim() === '' ? undefined : schema.parse(JSON.parse(stdout));
    },
    { timeoutMs: 20_000, everyMs: 200 },
  );
  return (ads ?? []).toSorted((one, other) => Number(one['ProcId']) - Number(other['ProcId']));
}
