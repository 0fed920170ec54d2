import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';

import { findServing, isServedByUs } from '#config/ensure-site.ts';
import { findBatchProblem } from '#config/find-batch-problem.ts';
import { findPostgresServer } from '#config/postgres/embedded-postgres.ts';
import { askSupervisor } from '#config/serve-record.ts';
import { serverDirectoriesOf } from '#config/site-directories.ts';
import { describeServer, openDatabase, sql } from '#db/connect.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { countUnapplied } from '#db/status/count-unapplied.ts';
import { countWork } from '#db/status/count-work.ts';
import { findFailures } from '#db/status/find-failures.ts';
import { findPassAges } from '#db/status/loop/find-pass-ages.ts';
import { countRefused } from '#db/status/refused/count-refused.ts';
import { countSigns } from '#db/status/sign/count-signs.ts';
import { findRefusedSpools } from '#job/spool/refused-spools.ts';
import { roleNames } from '#model/site.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';

import { findLostProducts } from './find-lost-products.ts';

import type { Database } from '#db/connect.ts';
import type { StuckJobs } from '#model/job/stuck-jobs.ts';
import type { RoleStatus, SiteStatus } from '#model/report/site-status.ts';
import type { RoleName, Site } from '#model/site.ts';

async function findRoleStatus(site: Site, name: RoleName): Promise<RoleStatus> {
  const role = site.roles[name];
  const about = { role: name, server: describeServer(role.url), schema: role.schema };
  const database = openDatabase(role, { applicationName: 'slurp status', max: 1, connectAttempts: 1 });
  try {
    await database.query(sql`select 1`);
    return { ...about, isReachable: true };
  } catch (error) {
    return { ...about, isReachable: false, problem: describeError(error) };
  } finally {
    await database.close();
  }
}

/** More are found with `slurp db sql`. */
const failuresShown = 5;

type CountedInStatus =
  'work' | 'failures' | 'stuck' | 'signs' | 'stageouts' | 'refusedAttempts' | 'remarkedAttempts' | 'alarms' | 'passes';

async function countInStatus(site: Site, findStuck: FindStuck | undefined): Promise<Pick<SiteStatus, CountedInStatus>> {
  const database = openDatabase(site.roles.status, { applicationName: 'slurp status', max: 1, connectAttempts: 1 });
  try {
    const { refused, remarked } = await countRefused(database);
    return {
      work: await countWork(database),
      failures: await findFailures(database, failuresShown),
      ...present({ signs: await countSigns(database) }),
      stageouts: await countUnapplied(database),
      ...(findStuck === undefined ? {} : { stuck: await findStuck(database) }),
      alarms: await findAlarms(database),
      passes: await findPassAges(database),
      refusedAttempts: refused,
      remarkedAttempts: remarked,
    };
  } catch {
    // That it does not answer, or has no tables yet, is reported beside its name.
    return {};
  } finally {
    await database.close();
  }
}

async function findProductStatus(site: Site): Promise<Pick<SiteStatus, 'lostProducts'>> {
  const [status, catalog] = [site.roles.status, site.roles.catalog].map((role) =>
    openDatabase(role, { applicationName: 'slurp status', max: 1, connectAttempts: 1 }),
  );
  if (status === undefined || catalog === undefined) return {};
  try {
    return { lostProducts: await findLostProducts(status, catalog) };
  } catch {
    return {};
  } finally {
    await Promise.all([status.close(), catalog.close()]);
  }
}

function askHealth(url: string): Promise<{ readonly status: string; readonly complaints: readonly string[] }> {
  return new Promise((resolve) => {
    const fail = (problem: string): void => resolve({ status: 'away', complaints: [problem] });
    if (!url.startsWith('http:')) return fail('not checked: it uses https');
    const asking = request(`${url}/health`, { timeout: 3000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => {
        try {
          const { status, complaints } = JSON.parse(body);
          if (typeof status !== 'string' || !Array.isArray(complaints)) throw new Error('not an answer of the gateway');
          resolve({ status, complaints: complaints.map(String) });
        } catch {
          fail('its answer cannot be understood');
        }
      });
      // Behind a whole answer it says nothing new; alone it is all that there is to hear of an answer that broke off.
      response.once('close', () => fail('its answer was cut short'));
    });
    asking.once('timeout', () => asking.destroy(new Error('no answer')));
    asking.once('error', (error) => fail(describeError(error)));
    asking.end();
  });
}

async function countSpools(directory: string): Promise<number> {
  const files = await readdir(directory).catch(() => []);
  return files.filter((file) => file.endsWith('.jsonl')).length;
}

/** Finds what gets no further in the batch system, by what the status database has. */
type FindStuck = (status: Database) => Promise<StuckJobs>;

/** Finds the status of a site; starts nothing, never throws for what is away, and contains no secret. */
export async function findSiteStatus(site: Site, findStuck?: FindStuck): Promise<SiteStatus> {
  const [serving, supervisor, roles, counts, products, spools, refusedSpools] = await Promise.all([
    findServing(site),
    askSupervisor(site.stateDirectory),
    Promise.all(roleNames.map((name) => findRoleStatus(site, name))),
    countInStatus(site, findStuck),
    findProductStatus(site),
    countSpools(site.spoolDirectory),
    findRefusedSpools(site.spoolDirectory).catch(() => []),
  ]);
  const postgres =
    site.kind === 'embedded' ? await findPostgresServer(serverDirectoriesOf(site.stateDirectory)) : undefined;
  // Alive without an answer: a signal stopped it, or it is stuck.
  const serve = supervisor ?? (serving === undefined ? undefined : { pid: serving.pid, phase: 'does not answer' });
  const batchProblem = findBatchProblem(site);
  const url = serving?.url ?? site.gateway.url;
  const health = url === undefined ? undefined : await askHealth(url);
  return {
    kind: site.kind,
    mode: site.mode,
    ...present({ file: site.file }),
    stateDirectory: site.stateDirectory,
    isMade: existsSync(site.stateDirectory),
    backend: site.batch.backend,
    ...present({ batchProblem }),
    isUp:
      ((serving !== undefined && supervisor !== undefined) || !isServedByUs(site)) &&
      roles.every(({ isReachable }) => isReachable),
    ...(serve === undefined
      ? {}
      : {
          serve: {
            pid: serve.pid,
            phase: serve.phase,
            ...(serving === undefined ? {} : { startedAt: serving.startedAt }),
          },
        }),
    ...(site.kind === 'embedded' ? { postgres: postgres === undefined ? {} : { pid: postgres } } : {}),
    ...(url === undefined || health === undefined
      ? {}
      : { gateway: { url, health: health.status, complaints: health.complaints } }),
    ...present({ queue: supervisor?.queue }),
    roles,
    ...counts,
    ...products,
    spools,
    refusedSpools: refusedSpools.length,
  };
}
