import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { readSiteKey, tokenOf } from '#config/read-site-key.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { startGateway } from '#serve/start-gateway.ts';
import { testDatabase } from '#test/db/test-database.ts';
import { makeAttempts, readAttempt } from '#test/ingest/attempts.ts';
import { silentLog } from '#test/util/silent-log.ts';
import { waitUntil } from '#util/wait-until.ts';

import { makeJobPlace } from './job-place.ts';

import type { Database } from '#db/connect.ts';
import type { RunningGateway } from '#serve/start-gateway.ts';
import type { TestDatabase } from '#test/db/test-database.ts';

import type { JobPlace } from './job-place.ts';

let place: JobPlace;
let database: TestDatabase;
let status: Database;
let catalog: Database;
let gateway: RunningGateway;

beforeAll(async () => {
  place = await makeJobPlace();
  database = await testDatabase();
  status = openDatabase(database.roles.status, { applicationName: 'test' });
  catalog = openDatabase(database.roles.catalog, { applicationName: 'test' });
  gateway = await startGateway({
    site: { gateway: { host: '127.0.0.1', port: 0, isInsecure: false }, spoolDirectory: place.home },
    status,
    catalog,
    siteKey: await readSiteKey({ stateDirectory: place.root }),
    log: silentLog,
    version: 'test',
  });
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([status.close(), catalog.close()]);
  await database.close();
  await place.remove();
});

async function makeJob(): Promise<{ scratch: string; id: number; env: Record<string, string>; submission: string }> {
  const { submission, ids } = await makeAttempts(status, 1);
  const scratch = await place.scratch(gateway.url, { submission });
  const token = tokenOf(await readSiteKey({ stateDirectory: place.root }), submission);
  writeFileSync(join(scratch, 'slurp-token'), token);
  const id = ids[0] ?? 0;
  return { scratch, id, env: { cupsid: String(id) }, submission };
}

const name = (id: number): string => `DST_EVENT_auau23_new_2023p003-${String(id).padStart(8, '0')}-00000.root`;

test('a wrapped job that stages out is finished, registered and removed from the worker', async () => {
  const { scratch, id, env } = await makeJob();
  const submit = join(scratch, '../submit');
  const out = join(scratch, '../out');
  for (const directory of [submit, out]) mkdirSync(directory);
  const cups = `./cups.py -r ${id} -s 0 -d DST_EVENT_auau23_new_2023p003`;
  writeFileSync(
    join(submit, 'job.sh'),
    [
      `${cups} started`,
      `${cups} getinputs > list`,
      `${cups} running`,
      `cp list ${name(id)}`,
      `${cups} stageout ${name(id)} ${out} --dsttype DST_EVENT_auau23 --dataset new_2023p003 --nevents 2 --inc --prodtype many`,
      `${cups} finished -e 0 --nevents 0 --inc`,
      `${cups} message 'Normal termination' --flag 10 --logsize 3`,
    ].join('\n'),
  );
  const result = await place.run(scratch, [join(place.worker, 'wrapper.sh'), 'job.sh', submit, 'job.sh', String(id)], {
    env,
  });
  expect(result).toMatchObject({ exitCode: 0, stdout: '' });
  expect(existsSync(join(scratch, name(id)))).toBe(false);
  expect(await readAttempt(status, id)).toMatchObject({
    status: 'finished',
    exit_code: 0,
    nevents: 2,
    nsegments: 1,
    flags: 10,
    logsize: 3,
    message: 'Normal termination',
  });
  const files = await catalog.query(sql`
    select d.filename, d.events, d.dsttype, f.full_file_path
    from ${sql.table(catalog.role, 'datasets')} d join ${sql.table(catalog.role, 'files')} f on f.lfn = d.filename`);
  expect(files).toEqual([
    { filename: name(id), events: 2, dsttype: 'DST_EVENT_auau23', full_file_path: join(out, name(id)) },
  ]);
});

test('a stage-out that gives nothing registers what the name says, else what the attempt is (C-W25)', async () => {
  const { scratch, id, env } = await makeJob();
  const out = join(scratch, '../out');
  mkdirSync(out, { recursive: true });
  const named = 'HIST_EVENT_auau23_new_2023p003_v001-00007101-00002.root';
  for (const file of [named, 'odd.root']) {
    writeFileSync(join(scratch, file), file);
    expect(await place.run(scratch, ['cups', 'stageout', file, out], { env })).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  }
  const files = await catalog.query(sql`
    select filename, runnumber, segment, dsttype, dataset, events from ${sql.table(catalog.role, 'datasets')}
    where filename in (${named}, 'odd.root') order by filename`);
  const [attempt] = await status.query(sql`
    select run from ${sql.table(status.role, 'production_status')} where id = ${id}`);
  expect(files).toEqual([
    {
      filename: named,
      runnumber: 7101,
      segment: 2,
      dsttype: 'HIST_EVENT_auau23',
      dataset: 'new_2023p003_v001',
      events: -1,
    },
    {
      filename: 'odd.root',
      runnumber: attempt?.['run'],
      segment: 0,
      dsttype: 'DST_EVENT_auau23',
      dataset: 'new_2023p003',
      events: -1,
    },
  ]);
});

test('jobs of three products with one file name: the first has it, the others end with 30 (C-W28)', async () => {
  const out = join(place.root, 'shared');
  const elsewhere = join(place.root, 'elsewhere');
  for (const directory of [out, elsewhere]) mkdirSync(directory);
  const results: unknown[] = [];
  for (const directory of [out, out, elsewhere]) {
    const { scratch, id, env } = await makeJob();
    writeFileSync(join(scratch, 'same.root'), `of ${id}`);
    const result = await place.run(scratch, ['cups', 'stageout', 'same.root', directory], { env });
    const row = await readAttempt(status, id);
    results.push([result.exitCode, existsSync(join(scratch, 'same.root')), row['flags'], row['message']]);
  }
  const refused = [
    30,
    true,
    4,
    expect.stringMatching(/is refused: the name 'same\.root' belongs to the product 'DST_/u),
  ];
  expect(results).toEqual([[0, false, 0, 'last stageout same.root'], refused, refused]);
  expect(readdirSync(out)).toEqual(['same.root']);
  expect(readdirSync(elsewhere)).toEqual([]);
});

test('another product with the same content is refused as well, and a second call of the first is not', async () => {
  const out = join(place.root, 'equal');
  mkdirSync(out);
  const codes: unknown[] = [];
  const jobs = [await makeJob(), await makeJob()];
  for (const { scratch, env } of [...jobs, ...jobs.slice(0, 1)]) {
    writeFileSync(join(scratch, 'equal.root'), 'the same');
    codes.push((await place.run(scratch, ['cups', 'stageout', 'equal.root', out], { env })).exitCode);
  }
  expect(codes).toEqual([0, 30, 0]);
});

test('a script that says nothing of its end ends as its exit code says', async () => {
  const { scratch, id, env } = await makeJob();
  writeFileSync(join(scratch, 'job.sh'), 'exit 4\n');
  await place.run(scratch, [join(place.worker, 'wrapper.sh'), 'job.sh', scratch, '', String(id)], { env });
  expect(await readAttempt(status, id)).toMatchObject({ status: 'failed', exit_code: 4 });
});

test('a retired attempt is fenced, by the wrapper and by cups', async () => {
  const { scratch, id, env } = await makeJob();
  await status.query(sql`
    update ${sql.table(status.role, 'production_status')}
    set retired_at = now(), retired_by = 'tester', retired_reason = 'unblocked' where id = ${id}`);
  writeFileSync(join(scratch, 'job.sh'), 'touch ran\n');
  const wrapped = await place.run(scratch, [join(place.worker, 'wrapper.sh'), 'job.sh', scratch, '', String(id)], {
    env,
  });
  expect(wrapped.exitCode).toBe(24);
  expect(wrapped.stderr).toContain('this job is no longer needed and ends now: retired: unblocked');
  expect(existsSync(join(scratch, 'ran'))).toBe(false);
});

test('a spool that is copied to the site is ingested, and nothing is lost that was reported while the gateway was away (C-E10)', async () => {
  const { scratch, id, env, submission } = await makeJob();
  const port = new URL(gateway.url).port;
  writeFileSync(
    join(scratch, 'slurp-job.json'),
    JSON.stringify({
      submission,
      gateway: gateway.url.replace(port, '9'),
      spoolDirectory: place.home,
      reportTimeoutMs: 100,
    }),
  );
  writeFileSync(
    join(scratch, 'job.sh'),
    './cups -r 1 -s 0 -d D running\n./cups -r 1 -s 0 -d D finished -e 0 --nevents 9\n',
  );
  const result = await place.run(scratch, [join(place.worker, 'wrapper.sh'), 'job.sh', scratch, '', String(id)], {
    env,
  });
  expect(result.exitCode).toBe(0);
  await waitUntil(() => (readdirSync(place.home).length === 0 ? true : undefined), { timeoutMs: 25_000 });
  expect(await readAttempt(status, id)).toMatchObject({ status: 'finished', nevents: 9 });
});

test('a token of another submission is refused', async () => {
  const { scratch, env } = await makeJob();
  writeFileSync(join(scratch, 'slurp-token'), 'ab'.repeat(32));
  const inputs = await place.run(scratch, ['cups', '-r', '1', '-s', '0', '-d', 'D', 'getinputs'], { env });
  expect(inputs).toMatchObject({ exitCode: 21, stdout: '' });
  expect(inputs.stderr).toContain('The token does not belong to this submission');
});
