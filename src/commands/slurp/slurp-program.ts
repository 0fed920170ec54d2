import { Argument, InvalidArgumentError, Option } from 'commander';

import { markExclusive } from '#cli/option-constraints.ts';
import { makeProgram } from '#cli/program.ts';
import { makeSay } from '#cli/say.ts';
import { makeListParser } from '#cli/value-parsers.ts';
import { roleAliases } from '#model/role-alias.ts';
import { roleNames } from '#model/site.ts';
import { assertPresent } from '#util/assert-present.ts';

import { findNamedSite, withSiteOptions } from '../find-named-site.ts';
import { migrateSite, printSql, printUrl } from './slurp-db.ts';
import { runSlurpIngest } from './slurp-ingest.ts';
import { printPayload, printPayloads, removePayloads } from './slurp-payload.ts';
import { runSlurpReconcile } from './slurp-reconcile.ts';
import { runSlurpRefused } from './slurp-refused.ts';
import { runSlurpSchema, schemaNames } from './slurp-schema.ts';
import { runDown, runServe, runStatus, runUp } from './slurp-site.ts';

import type { Command } from 'commander';

import type { MainContext } from '#cli/run-main.ts';
import type { RoleName } from '#model/site.ts';

import type { SiteOptions } from '../find-named-site.ts';
import type { ReconcileOptions } from './slurp-reconcile.ts';
import type { RefusedOptions } from './slurp-refused.ts';

const say = makeSay('slurp');

function parseRole(word: string): RoleName {
  const role = roleNames.find((name) => name === word) ?? roleAliases.get(word);
  if (role !== undefined) return role;
  throw new InvalidArgumentError(`'${word}' is not a role: expected one of ${roleNames.join(', ')}`);
}

function parseSeconds(text: string): number {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError(`'${text}' is not a time span: expected for example '30s', '5m' or '0'`);
  }
  return Number(match[1]) * ({ s: 1, m: 60, h: 3600 }[match[2] ?? 's'] ?? 1);
}

function parseDays(text: string): number {
  if (/^\d{1,5}$/u.test(text)) return Number(text);
  throw new InvalidArgumentError(`'${text}' is not a number of days`);
}

/** Makes the option parser of `slurp` with the action of each subcommand. */
export function makeSlurpProgram(context: MainContext): Command {
  const program = withSiteOptions(makeProgram('slurp', 'Runs a site: databases, gateway, local queue'));
  program
    .command('up')
    .alias('init')
    .description('start the database, gateway and local queue of the site; create an empty site here if there is none')
    .action(async (_, command) => runUp(command.optsWithGlobals()));
  program
    .command('down')
    .description('stop the local queue, the gateway and the embedded database')
    .addOption(
      new Option(
        '--wait <time>',
        'how long to wait for running local jobs, e.g. 10m or 0; they keep running after that',
      )
        .argParser(parseSeconds)
        .default(60, '60s'),
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
  const reconcile = program.command('reconcile');
  markExclusive(reconcile, ['--report-only', '--register']);
  reconcile
    .description('compare attempts with the batch system, catalog and disk, and record what is known')
    .option('--submissions', 'only unconfirmed submissions')
    .option('--rule <name>', 'attempts of one rule')
    .option('--yes', 'record it even if most jobs seem to have vanished at once')
    .option('--register', 'register products that are on disk though no job reported them')
    .option('--report-only', 'change nothing, and show what would be done')
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
    .argument(
      '[role...]',
      'roles (default: status and catalog; all roles of an embedded site)',
      makeListParser(parseRole),
    )
    .option('--dry-run', 'print what would be done, change nothing')
    .option('--json', 'a line of JSON for each role')
    .action(async (roles: readonly RoleName[] | undefined, _, command) =>
      migrateSite(roles ?? [], command.optsWithGlobals()),
    );
  db.command('url')
    .description("print the address of a role's database")
    .argument('<role>', roleNames.join(', '), parseRole)
    .option('--secret', 'include the password')
    .action(async (role: RoleName, _, command) => printUrl(role, command.optsWithGlobals()));
  db.command('sql')
    .description('run statements in one transaction, read-only without --write')
    .argument('<role>', roleNames.join(', '), parseRole)
    .argument('[statements]', 'one or more, separated by semicolons (default: list the tables and their columns)')
    .option('--write', 'allow changes')
    .option('--json', 'one line of JSON')
    .option('--csv', 'comma-separated values')
    .action(async (role: RoleName, text: string | undefined, _, command) =>
      printSql(role, text, command.optsWithGlobals()),
    );
  return program;
}
