import { existsSync } from 'node:fs';

import { Argument } from 'commander';

import { makeBackend } from '#batch/backends.ts';
import { openLog } from '#cli/log.ts';
import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { makeProgram, parseProgram } from '#cli/program.ts';
import { runMain } from '#cli/run-main.ts';
import { makeSay } from '#cli/say.ts';
import { findOutputWidth } from '#cli/table.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { ensureSite, findServing, isServedByUs } from '#config/ensure-site.ts';
import { findBatchProblem } from '#config/find-batch-problem.ts';
import { stopSite } from '#config/stop-site.ts';
import { columnsScript } from '#db/list-columns.ts';
import { runScript } from '#db/run-script.ts';
import { UsageError } from '#model/errors.ts';
import { roleAliases } from '#model/role-alias.ts';
import { roleNames } from '#model/site.ts';
import { findSiteStatus } from '#reports/find-site-status.ts';
import { makeScriptRows, renderScript, renderScriptCsv } from '#reports/render-script.ts';
import { renderSiteStatus } from '#reports/render-site-status.ts';
import { findStuckJobs } from '#settle/held/find-stuck-jobs.ts';
import { assertPresent } from '#util/assert-present.ts';

import { findNamedSite } from './find-named-site.ts';
import { runSlurpIngest } from './slurp/slurp-ingest.ts';
import { migrateRoles } from './slurp/slurp-migrate.ts';
import { printPayload, printPayloads, removePayloads } from './slurp/slurp-payload.ts';
import { runSlurpReconcile } from './slurp/slurp-reconcile.ts';
import { runSlurpRefused } from './slurp/slurp-refused.ts';
import { runSlurpSchema, schemaNames } from './slurp/slurp-schema.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { RoleName, Site } from '#model/site.ts';

import type { SiteOptions } from './find-named-site.ts';
import type { ReconcileOptions } from './slurp/slurp-reconcile.ts';
import type { RefusedOptions } from './slurp/slurp-refused.ts';

const say = makeSay('slurp');

function parseRole(word: string): RoleName {
  const role = roleNames.find((name) => name === word) ?? roleAliases.get(word);
  if (role !== undefined) return role;
  throw new UsageError(`Unknown role '${word}': expected one of ${roleNames.join(', ')}`, { code: 'usage-role' });
}

function parseSeconds(text: string): number {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (match === null) {
    throw new UsageError(`'${text}' is not a time span: expected for example '30s', '5m' or '0'`, {
      code: 'usage-wait',
    });
  }
  return Number(match[1]) * ({ s: 1, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1);
}

function parseDays(text: string): number {
  if (/^\d{1,5}$/u.test(text)) return Number(text);
  throw new UsageError(`Value '${text}' of '--older-than' is wrong: expected a number of days`, { code: 'usage-days' });
}

async function runUp(options: SiteOptions): Promise<void> {
  const site = await findNamedSite(options, true);
  await ensureSite(site, { say });
  const problem = findBatchProblem(site);
  if (problem !== undefined) say(problem);
  const serving = await findServing(site);
  if (!isServedByUs(site))
    await writeLine("The gateway of this site runs on another machine: start 'slurp serve' there");
  else await writeLine(`The site '${site.stateDirectory}' is up; its gateway is ${serving?.url ?? 'restarting'}`);
}

async function runDown(options: SiteOptions & { readonly wait: string }): Promise<void> {
  const waitMs = parseSeconds(options.wait) * 1000;
  const site = await findNamedSite(options);
  const { wasRunning, left } = await stopSite(site, { waitMs, say });
  const rest = left === 0 ? '' : `; ${left} local jobs keep running; 'slurp up' finds them again`;
  if (wasRunning) await writeLine(`The site '${site.stateDirectory}' is down${rest}`);
  else if (existsSync(site.stateDirectory)) await writeLine(`Nothing of the site '${site.stateDirectory}' was running`);
  else
    await writeLine(`Nothing was running: site '${site.stateDirectory}' does not exist; '--site PATH' selects another`);
}

/** Whoever asks how a site is doing does not wait longer for the batch system. */
const statusPatienceMs = 10_000;

function withPatience(site: Site, commandTimeoutMs: number): Site {
  const { batch } = site;
  return { ...site, batch: { ...batch, htcondor: { ...batch.htcondor, commandTimeoutMs } } };
}

async function runStatus(options: SiteOptions & { readonly json?: true }): Promise<void> {
  const site = await findNamedSite(options);
  const found = await findSiteStatus(site, (database) =>
    findStuckJobs({ status: database, backend: makeBackend(withPatience(site, statusPatienceMs)) }),
  );
  if (options.json === true) await writeJson(found);
  else await writeOutput(renderSiteStatus(found, findOutputWidth()));
}

async function runServe(options: SiteOptions, context: MainContext, version: string): Promise<void> {
  const site = await findNamedSite(options);
  const log = openLog({ command: 'serve', mode: site.mode, directory: site.logDirectory });
  // Listened for before the start, which takes a while: a signal that comes meanwhile ends what was started.
  const ended = new Promise<void>((resolve) => {
    context.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // Loaded here alone: no other command needs a web server.
  const { startSupervisor } = await import('#serve/start-supervisor.ts');
  const supervisor = await startSupervisor({ site, log, say, version });
  // Sent by `slurp down`, which waits and then ends us.
  process.on('SIGUSR2', () => {
    supervisor.drain().catch((error: unknown) => log.error({ error }, 'cannot drain'));
  });
  log.info({ url: supervisor.url, site: site.stateDirectory }, 'serving');
  await Promise.race([ended, supervisor.isOrphaned]);
  await supervisor.close();
  log.info({}, 'ended');
}

interface MigrateOptions extends SiteOptions {
  readonly dryRun?: true;
  readonly json?: true;
}

async function migrateSite(words: readonly string[], options: MigrateOptions): Promise<void> {
  const request = { roles: words.map(parseRole), isDryRun: options.dryRun === true, isJson: options.json === true };
  await migrateRoles(await findNamedSite(options), request, say);
}

function withoutSecret(address: string): string {
  const url = new URL(address);
  url.password = '';
  url.searchParams.delete('password');
  return url.href;
}

async function printUrl(word: string, options: SiteOptions & { readonly secret?: true }): Promise<void> {
  const role = parseRole(word);
  const { url } = (await findNamedSite(options)).roles[role];
  await writeLine(options.secret === true ? url : withoutSecret(url));
}

interface SqlOptions extends SiteOptions {
  readonly write?: true;
  readonly json?: true;
  readonly csv?: true;
}

async function printSql(word: string, text: string | undefined, options: SqlOptions): Promise<void> {
  const role = parseRole(word);
  const site = await findNamedSite(options);
  assertMadeSite(site);
  await ensureSite(site, { say });
  const results = await runScript(site.roles[role], text ?? columnsScript, { isWriting: options.write === true });
  if (options.json === true) await writeJson(makeScriptRows(results));
  else if (options.csv === true) await writeOutput(renderScriptCsv(results));
  else await writeOutput(renderScript(results, findOutputWidth()));
}

void runMain(
  'slurp',
  async (context) => {
    const program = makeProgram('slurp', 'Runs a site: databases, gateway, local queue')
      .option('--site <path>', 'site file or directory of a site (default: $SLURP_SITE, or the nearest one upwards)')
      .option('--mode <mode>', 'production or testbed (default: by the current directory)');
    program
      .command('up')
      .alias('init')
      .description(
        'start the database, gateway and local queue of the site; create an empty site here if there is none',
      )
      .action(async (_, command) => runUp(command.optsWithGlobals()));
    program
      .command('down')
      .description('stop the local queue, the gateway and the embedded database')
      .option(
        '--wait <time>',
        'how long to wait for running local jobs, e.g. 10m or 0; they keep running after that',
        '60s',
      )
      .action(async (_, command) => runDown(command.optsWithGlobals()));
    program
      .command('status')
      .description('show the state of the site; starts nothing')
      .option('--json', 'one line of JSON')
      .action(async (_, command) => runStatus(command.optsWithGlobals()));
    program
      .command('serve')
      .description('run what `up` starts, in the foreground')
      .action(async (_, command) =>
        runServe(command.optsWithGlobals(), context, assertPresent(program.version(), 'the version')),
      );
    program
      .command('reconcile')
      .description('compare open submissions and attempts with the batch system and record what is known')
      .option('--submissions', 'only unconfirmed submissions')
      .option('--rule <name>', 'attempts of one rule')
      .option('--yes', 'record it even if most jobs seem to have vanished at once')
      .option('--register', 'register products that are on disk though no job reported them')
      .option('--json', 'one line of JSON')
      .action(async (_, command) => {
        const options: SiteOptions & ReconcileOptions = command.optsWithGlobals();
        await runSlurpReconcile(await findNamedSite(options), options, { context, say });
      });
    program
      .command('ingest')
      .description('read spools of jobs by hand; the files are kept')
      .argument('<file...>', 'spools: spool-NUMBER-START.jsonl')
      .option('--json', 'one line of JSON')
      .action(async (files: readonly string[], _, command) => {
        const options: SiteOptions & { readonly json?: true } = command.optsWithGlobals();
        await runSlurpIngest(await findNamedSite(options), files, { context, say, isJson: options.json === true });
      });
    program
      .command('refused')
      .description('list refused reports and spools, or resolve them')
      .argument('[cupsid...]', 'cupsids of attempts; all unless named')
      .option('--resolve', 'stop counting them; they stay recorded')
      .option('--all', 'resolve all')
      .option('--note <text>', 'reason to record with it')
      .option('--json', 'one line of JSON')
      .action(async (attempts: readonly string[], _, command) => {
        const options: SiteOptions & RefusedOptions = command.optsWithGlobals();
        await runSlurpRefused(await findNamedSite(options), attempts, options, { context, say });
      });
    program
      .command('schema')
      .description('print the JSON Schema of rule files or site files, for editors')
      .addArgument(new Argument('<file>', 'which').choices(schemaNames))
      .action(async (word: string) => {
        for (const name of schemaNames) if (name === word) await runSlurpSchema(name);
      });
    const payload = program.command('payload').description('show what jobs ran: the snapshots of payloads');
    const payloadTools = async (command: { optsWithGlobals(): SiteOptions & { readonly json?: true } }) => {
      const options = command.optsWithGlobals();
      return { site: await findNamedSite(options), context, say, isJson: options.json === true };
    };
    payload
      .command('list')
      .description('list the recorded snapshots, most recently used first')
      .option('--json', 'one line of JSON')
      .action(async (_, command) => printPayloads(await payloadTools(command)));
    payload
      .command('show')
      .description('show what a snapshot contains and where it came from, also after it was pruned')
      .argument('<name>', 'its hash or the beginning of it; a product, cupsid or submission that used it')
      .option('--json', 'one line of JSON')
      .action(async (name: string, _, command) => printPayload(name, await payloadTools(command)));
    payload
      .command('prune')
      .description('remove snapshots that no job needs any more; their contents stay recorded')
      .option('--older-than <days>', 'days since a dispatch used it (default: from the site file)', parseDays)
      .option('--dry-run', 'print what would be removed, change nothing')
      .option('--json', 'one line of JSON')
      .action(async (options: { readonly olderThan?: number; readonly dryRun?: true }, command) => {
        const request = { days: options.olderThan, isDryRun: options.dryRun === true };
        await removePayloads(request, await payloadTools(command));
      });
    const db = program.command('db').description('work with the databases of the site');
    db.command('migrate')
      .description('update the tables of the site; adopts those of an existing production')
      .argument('[role...]', 'roles (default: status and catalog; all roles of an embedded site)')
      .option('--dry-run', 'print what would be done, change nothing')
      .option('--json', 'a line of JSON for each role')
      .action(async (words, _, command) => migrateSite(words, command.optsWithGlobals()));
    db.command('url')
      .description("print the address of a role's database")
      .argument('<role>', roleNames.join(', '))
      .option('--secret', 'include the password')
      .action(async (word, _, command) => printUrl(word, command.optsWithGlobals()));
    db.command('sql')
      .description('run statements in one transaction, read-only without --write')
      .argument('<role>', roleNames.join(', '))
      .argument('[statements]', 'one or more, separated by semicolons (default: list the tables and their columns)')
      .option('--write', 'allow changes')
      .option('--json', 'one line of JSON')
      .option('--csv', 'comma-separated values')
      .action(async (word, text, _, command) => printSql(word, text, command.optsWithGlobals()));
    await parseProgram(program, context.argv);
    return 0;
  },
  { graceMs: 60_000 },
);
