import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { findRefusals } from '#dispatch/find-refusals.ts';
import { planRule } from '#dispatch/plan-rule.ts';

import { emptyWorld, makeProposals, putWorld } from '../db/decide/world.ts';
import { commitAll } from '../util/commit-all.ts';
import { openPlanWorld } from './plan-world.ts';

import type { HtcondorSite } from '#model/site.ts';

import type { PlanWorld } from './plan-world.ts';

let world: PlanWorld;
let directory: string;

beforeAll(async () => {
  world = await openPlanWorld();
  await makeProposals(world.open);
  directory = await mkdtemp(join(tmpdir(), 'slurp-refusals-'));
});

afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

const condor: HtcondorSite = { commands: {}, schedds: [], commandTimeoutMs: 1000 };

async function refusalsOf(first: number, commands: HtcondorSite['commands'] = {}): Promise<readonly string[]> {
  const runs = { kind: 'range', first, last: 99 } as const;
  const plan = await planRule(world.inputOf({ runs, submitDirectory: directory }));
  try {
    const [state, payloads] = [join(directory, 'state'), join(directory, 'state', 'payloads')];
    const batch = { backend: 'htcondor', local: { slots: 1 }, htcondor: { ...condor, commands } } as const;
    const site = {
      batch,
      ...{ stateDirectory: state, spoolDirectory: join(state, 'spool') },
      payloads: { directory: payloads, limitBytes: 1e9, keepMs: 1e9 },
    };
    const policy = { mode: 'production', isForced: false, workerDirectory: directory, site } as const;
    const refusals = await findRefusals(plan, policy);
    // The rows are still there for who shows the plan.
    for await (const rows of plan.readReady()) expect(rows).toHaveLength(1);
    return refusals.map((line) => line.replaceAll(directory, '/here'));
  } finally {
    await plan.close();
  }
}

it('says everything that a dispatch would be refused for, and nothing where nothing is ready', async () => {
  await putWorld(world.open, {
    ...emptyWorld,
    proposals: [{ run: 1, segment: 0, files: 'a.evt' }],
    files: [{ lfn: 'a.evt', path: '/lustre/a.evt' }],
  });
  expect(await refusalsOf(2)).toEqual([]);
  await writeFile(join(directory, 'wrapper.sh'), '');
  expect(await refusalsOf(1)).toEqual([
    expect.stringMatching(/^Payload directory '\/here\/payload' does not exist; relative payload paths start in /u),
    expect.stringMatching(/^Script '.*' is neither in the payload '\/here\/payload' nor among the staged files; fix /u),
  ]);
  const payload = join(directory, 'payload');
  await mkdir(payload);
  await commitAll(payload);
  expect((await refusalsOf(1))[0]).toMatch(/^Commit '\w+' of payload '\/here\/payload' is not published: .*; push it/u);
  expect(await readdir(directory)).not.toContain('state');
});

it('names the submit commands of the site that HTCondor would refuse (C-H12)', async () => {
  const commands = { kill_sig: 'TERM', '+Group': 'a b', accounting_group: 'group_sphenix.mdc2', requirements: 'true' };
  expect((await refusalsOf(1, commands))[0]).toMatch(
    /submit commands of the site.*'TERM' is not a valid value of 'kill_sig'.*'a b' is not a valid value of '\+Group'/su,
  );
});
