// Measures whether a loop can run for months: 1,000 cycles without a pause over 10,000 candidates of which none is new.
// `node --expose-gc --import tsx bench/loop.ts [candidates] [cycles]`; ends with 1 if memory did not stay within 10 %.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { findSite } from '#config/find-site.ts';
import { openDatabase, sql } from '#db/connect.ts';
import { roleNames } from '#model/site.ts';

import { makeSubmitRequest } from '../src/commands/ramenya/submit-options.ts';
import { runSubmit } from '../src/commands/ramenya/submit.ts';
import { putFigures, startBenchServer } from './bench-server.ts';
import { makeDispatchWorld } from './dispatch-world.ts';

import type { Database } from '#db/connect.ts';

/** What a loop holds after a cycle. */
interface Sample {
  readonly cycle: number;
  readonly heapMb: number;
  readonly residentMb: number;
  /** Open files and sockets. */
  readonly descriptors: number;
  readonly sessions: number;
  /** Of one cycle, since the sample before. */
  readonly cycleMs: number;
}

const megabytes = (bytes: number): number => Number((bytes / 1e6).toFixed(1));

/** All jobs end well: their products are in the catalog. */
async function finishAll(status: Database, catalog: Database): Promise<void> {
  const attempts = sql.table(status.role, 'production_status');
  await status.execute(sql`update ${attempts} set status = 'finished', ended = now(), has_product = true`);
  const products = await status.query<{ dstfile: string; run: number; segment: number }>(
    sql`select dstfile, run, segment from ${attempts}`,
  );
  await catalog.execute(sql`
    insert into ${sql.table(catalog.role, 'datasets')} (filename, runnumber, segment, size, dataset, dsttype, events)
    select p.dstfile || '.root', p.run, p.segment, 1, 'ana437_2024p007_v001', 'DST_CALO_run2pp', 1
    from jsonb_to_recordset(${JSON.stringify(products)}::jsonb) as p(dstfile text, run int, segment int)`);
}

async function main(candidates: number, cycles: number): Promise<void> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("Memory cannot be measured: start with 'node --expose-gc'");
  const server = await startBenchServer();
  const cleanUps: (() => Promise<void> | void)[] = [];
  try {
    const world = await makeDispatchWorld(server, candidates);
    const file = join(world.directory, 'local.yaml');
    const roles = roleNames.map((role) => `  ${role}: { url: '${world.status.url}', schema: ${role} }`);
    await writeFile(file, ['databases:', ...roles, 'gateway: { url: "http://localhost:1" }', ''].join('\n'));
    const site = await findSite({ site: file });
    const open = (role: (typeof roleNames)[number]): Database =>
      openDatabase(site.roles[role], { applicationName: 'bench', max: 1 });
    const [status, catalog] = [open('status'), open('catalog')];
    cleanUps.push(
      () => status.close(),
      () => catalog.close(),
    );

    const samples: Sample[] = [];
    const stop = new AbortController();
    let [cycle, began] = [0, performance.now()];
    const sample = async (): Promise<void> => {
      const cycleMs = (performance.now() - began) / (cycle - (samples.at(-1)?.cycle ?? 1));
      for (let round = 0; round < 3; round += 1) collect();
      const { heapUsed, rss } = process.memoryUsage();
      const [answer] = await status.query<{ count: number }>(
        sql`select count(*)::int as count from pg_stat_activity where application_name = 'ramenya'`,
      );
      const descriptors = (await readdir('/proc/self/fd')).length;
      samples.push({
        cycle,
        heapMb: megabytes(heapUsed),
        residentMb: megabytes(rss),
        descriptors,
        sessions: answer?.count ?? 0,
        cycleMs,
      });
      process.stderr.write(`${JSON.stringify(samples.at(-1))}\n`);
      began = performance.now();
    };
    const request = makeSubmitRequest(
      {
        ...{ rules: ['DST_CALO'], runs: ['0', '999999'], loop: true, delay: 0, doit: true },
        ...{
          maxjobs: candidates,
          maxcondor: 10 * candidates,
          watermark: 1.05,
          watermarkAction: 'cycle',
          nevents: 0,
          dbinput: true,
        },
      },
      world.ruleFile,
      world.directory,
    );
    await runSubmit(request, {
      context: {
        argv: [],
        signal: stop.signal,
        onEnd: (cleanUp) => void cleanUps.push(cleanUp),
        onStop: () => undefined,
      },
      say: (text) => void process.stderr.write(`${text}\n`),
      findSite: () => Promise.resolve(site),
      printReports: async () => {
        cycle += 1;
        if (cycle === 1) await finishAll(status, catalog);
        if (cycle % (cycles / 10) === 0) await sample();
        if (cycle === cycles) stop.abort();
      },
    });
    const [first, last] = [samples[0], samples.at(-1)];
    const ratio = Number(((last?.heapMb ?? 0) / (first?.heapMb ?? 1)).toFixed(3));
    await putFigures('loop', { candidates, cycles, ratio, samples });
    process.stdout.write(`heap after ${cycles} cycles: ${ratio} × that after ${first?.cycle ?? 0}\n`);
    if (Math.abs(ratio - 1) > 0.1 || first?.descriptors !== last?.descriptors) process.exitCode = 1;
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    await server.close();
  }
}

const [candidates = '10000', cycles = '1000'] = process.argv.slice(2);
await main(Number(candidates), Number(cycles));
