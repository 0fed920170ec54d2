import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { makeBackend } from '#batch/backends.ts';
import { startLocalQueue } from '#batch/local/run-queue.ts';
import { sql } from '#db/connect.ts';
import { findPayloadFiles, findPayloadsOf } from '#db/status/payload/find-payload-use.ts';
import { dispatchPlan } from '#dispatch/dispatch-plan.ts';
import { waitUntil } from '#util/wait-until.ts';

import { openTestStatus } from '../../db/test-database.ts';
import { silentLog } from '../../util/silent-log.ts';
import { clearAttempts, makeTestSite, openReady } from '../dispatch-world.ts';
import { testDstfile } from '../test-rule.ts';
import { openPayloadWorld, prepareRuleOf } from './payload-world.ts';

import type { Applied } from '#dispatch/apply-plan.ts';
import type { Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { TestStatus } from '../../db/test-database.ts';
import type { PayloadWorld } from './payload-world.ts';

let opened: TestStatus;
beforeAll(async () => {
  opened = await openTestStatus();
});
afterAll(() => opened.close());

let world: PayloadWorld;
let site: Site;
beforeEach(async () => {
  world = await openPayloadWorld();
  const { role } = opened.status;
  const base = makeTestSite(join(world.root, 'site'), { daq: role, raw: role, catalog: role, status: role });
  // No gateway answers here, and what is looked at is what ran.
  site = { ...base, worker: { ...base.worker, isSupervised: false } };
  await mkdir(site.stateDirectory, { mode: 0o700 });
  await mkdir(join(world.root, 'worker'));
  await mkdir(join(world.submit, 'ran'));
});
afterEach(async () => {
  await clearAttempts(opened.status);
  await world.close();
});

async function dispatch(prepared: PreparedRule, jobs: number): Promise<Applied | undefined> {
  const session = await openReady(
    opened.status,
    Array.from({ length: jobs }, (_, index) => index + 1),
  );
  try {
    return await dispatchPlan({
      plan: { session, funnel: { counts: { ready: jobs } } },
      ...{ prepared, site, status: opened.status, backend: makeBackend(site), log: silentLog, isForced: false },
      ...{ gatewayUrl: 'http://127.0.0.1:1', workerDirectory: join(world.root, 'worker') },
      mayGoOn: () => Promise.resolve(true),
    });
  } finally {
    await session.close();
  }
}

/** Runs the local queue until each job has written what it ran: file → content. */
async function runAll(jobs: number): Promise<readonly string[]> {
  const { stateDirectory, spoolDirectory } = site;
  const queue = await startLocalQueue({ stateDirectory, spoolDirectory, slots: 4, log: silentLog });
  const ran = join(world.submit, 'ran');
  try {
    await waitUntil(async () => ((await readdir(ran)).length === jobs ? true : undefined), { timeoutMs: 240_000 });
    // What a job writes last is there before it has ended.
    await queue.drain();
  } finally {
    await queue.close();
  }
  const names = (await readdir(ran)).toSorted();
  return Promise.all(names.map((name) => readFile(join(ran, name), 'utf8')));
}

/** As scripts of rules with their own executable do: argument 2 is the run, SUBDIR and ITEMS are the 5th and 6th. */
const script = `#!/bin/bash
version=A
subdir=\${5}
for item in $(echo \${6} | tr ',' ' '); do cp \${subdir}/\${item} .; done
echo "$version $(cat Fun.C) $(cat x.C)" > ran.txt
mv ran.txt \${4}/ran-\${2}
`;

test(
  'C-P15: of 100 jobs that wait while their payload is edited, none runs the edit',
  { timeout: 300_000 },
  async () => {
    await world.put({ 'code/calo/run.sh': script, '../macros/x.C': 'A' });
    await world.publish();
    const rule = prepareRuleOf(
      world.submit,
      { rsync: './code/calo/*,../macros/x.C' },
      {
        executable: '{payload}/run.sh',
        arguments: '$(nevents) $(run) $(seg) {PWD}/ran {PWD} {rsync}',
      },
    );
    const applied = await dispatch(rule, 100);
    expect(applied).toMatchObject({ submitted: 100, payload: { isDirty: false, files: 3 } });
    await world.put({ 'code/calo/run.sh': script.replace('=A', '=B'), 'code/calo/Fun.C': 'B', '../macros/x.C': 'B' });
    const ran = await runAll(100);
    expect(new Set(ran)).toEqual(new Set(['A A A\n']));
    expect(await findPayloadFiles(opened.status, applied?.payload?.hash ?? '')).toMatchObject([
      { path: '../macros/x.C', kind: 'file' },
      { path: 'code/calo/Fun.C', kind: 'file' },
      { path: 'code/calo/run.sh', kind: 'program' },
    ]);
    const setups = await opened.status.query(sql`
    select distinct s.dirty, s.payload, s.hash from ${sql.table(opened.status.role, 'production_status')} p
    join ${sql.table(opened.status.role, 'production_setup')} s on s.id = p.prod_id`);
    expect(setups).toEqual([
      {
        dirty: false,
        payload: applied?.payload?.hash,
        hash: await world.git(world.code, 'rev-parse', '--short', 'HEAD'),
      },
    ]);
  },
);

test(
  'C-P15: files that the batch system transfers come from the snapshot, and are the job’s own to write to',
  { timeout: 120_000 },
  async () => {
    await world.put({
      'code/calo/run.sh':
        '#!/bin/bash\ncat Fun.C > ran.txt\necho more >> Fun.C\ncat Fun.C >> ran.txt\nmv ran.txt ${1}/ran-1\n',
    });
    await world.publish();
    const rule = prepareRuleOf(
      world.submit,
      {},
      {
        executable: '{payload}/run.sh',
        arguments: '{PWD}/ran',
        transfer_input_files: '{payload},cups.py,odbc.ini',
      },
    );
    const applied = await dispatch(rule, 1);
    await writeFile(join(world.code, 'calo/Fun.C'), 'B');
    expect(await runAll(1)).toEqual(['AAmore\n']);
    for (const name of [testDstfile(1), `${testDstfile(1)}.root`]) {
      expect(await findPayloadsOf(opened.status, name)).toEqual([applied?.payload?.hash]);
    }
  },
);
