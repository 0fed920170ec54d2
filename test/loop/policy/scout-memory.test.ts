import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { makeJobFinisher } from '#batch/htcondor/submit/finish-job.ts';
import { sql } from '#db/connect.ts';
import { findLoopRules } from '#db/status/loop/find-loop-rules.ts';

import { loop, outcomesOf, remembering, rowsOf, rule, turnOf, useLoopWorld, world } from '../loop-world.ts';

import type { BatchJob } from '#batch/backend.ts';

useLoopWorld();

/** Runs `DST_A` with so many runs once; what its jobs request, as HTCondor would get it. */
async function cycle(last: number, scouts: string, site: Readonly<Record<string, string>> = {}) {
  const file = join(world.root, 'scouts.yaml');
  await writeFile(file, rule('DST_A', rowsOf(last), 'status', `  scouts: ${scouts}\n`));
  const jobs: BatchJob[] = [];
  const heard = await loop([], {
    readTurns: () => Promise.resolve([turnOf('DST_A', file)]),
    backend: remembering(jobs),
  });
  const submission = {
    ...{ uuid: 'u', batchName: 'b', count: 1, directory: '/d', submitDirectory: '/d', spoolDirectory: '/d' },
    ...{ workerDirectory: '/d', isSupervised: true, environment: {} },
  };
  const finisher = makeJobFinisher({ submission, site: { commands: site }, ownFiles: [] });
  const memory = new Set(jobs.map((job) => finisher.finish(job).get('request_memory')));
  return { outcomes: outcomesOf(heard), memory: [...memory] };
}

const finish = (memory: string): Promise<number> =>
  world.status.execute(sql`
    update ${sql.table(world.status.role, 'production_status')}
    set status = 'finished', ended = now() at time zone 'utc', memory_mb = ${sql.verbatim(memory)} where final_state is null`);

const memoryOf = async () => (await findLoopRules(world.status))[0]?.scoutMemory;

test('requests memory by what the scouts used, once they have finished (C-Q37)', async () => {
  const scouts = '{jobs: 4, memory: {percentile: 75, factor: 1.5}}';
  expect(await cycle(8, scouts)).toEqual({ outcomes: ['DST_A dispatched 4'], memory: ['1024MB'] });
  // 1000, 2000, 3000 MB, and one that was not measured.
  await finish('nullif(run % 4, 0) * 1000');
  expect(await cycle(6, scouts)).toEqual({ outcomes: ['DST_A dispatched 2'], memory: ['4500MB'] });
  expect(await memoryOf()).toEqual({
    ...{ scouts: 4, percentile: 75, factor: 1.5 },
    ...{ measured: 3, peakMb: 3000, memoryMb: 4500 },
  });
  // Later jobs change nothing; what the site fixes stays, and a product that needs more gets it.
  await finish('9000');
  expect((await cycle(7, scouts, { request_memory: '2GB' })).memory).toEqual(['2GB']);
  await world.status.execute(sql`
    insert into ${sql.table(world.status.role, 'product_request')} (dstfile, memory_mb)
    values ('DST_A_run2pp_ana437_2024p007_v001-00000008-00000', 6000)`);
  expect((await cycle(8, scouts)).memory).toEqual(['6000MB']);
  // Another limit of the rule counts from the next pass on.
  expect((await cycle(9, '{jobs: 4, memory: {percentile: 50, up_to: 2500MB}}')).memory).toEqual(['2500MB']);
  expect(await memoryOf()).toMatchObject({ peakMb: 2000, memoryMb: 2500, upToMb: 2500 });
  expect((await cycle(10, '4')).memory).toEqual(['1024MB']);
});

test('requests what the rule says if no scout was measured', async () => {
  const scouts = '{jobs: 2, memory: {}}';
  await cycle(2, scouts);
  await finish('null');
  expect(await cycle(3, scouts)).toEqual({ outcomes: ['DST_A dispatched 1'], memory: ['1024MB'] });
  expect(await memoryOf()).toBeUndefined();
});
