import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { Option } from 'commander';

import { markExclusive, putDefaultCommand } from '#cli/option-constraints.ts';
import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { parseCount, parseInstant } from '#cli/value-parsers.ts';
import { assertMadeSite } from '#config/assert-made-site.ts';
import { ensureSite } from '#config/ensure-site.ts';
import { openDatabase } from '#db/connect.ts';
import { findLoopRules } from '#db/status/loop/find-loop-rules.ts';
import { putPause, removePause } from '#db/status/loop/pauses.ts';
import { DatabaseError, UsageError } from '#model/errors.ts';
import { queryReportNames } from '#model/report/query-report.ts';
import { renderLoopStatus } from '#reports/loop/render-loop-status.ts';
import { readAccountName } from '#util/process/read-account-name.ts';

import { findNamedSite } from '../find-named-site.ts';
import { makeQueryRequest } from './query-options.ts';
import { printQueryReports } from './query.ts';
import { makeSubmitRequest, withLoopOptions } from './submit-options.ts';
import { runSubmit } from './submit.ts';

import type { Command } from 'commander';

import type { MainContext } from '#cli/run-main.ts';
import type { Database } from '#db/connect.ts';
import type { Say } from '#model/log.ts';
import type { QueryReportName } from '#model/report/query-report.ts';
import type { Site } from '#model/site.ts';

import type { SiteOptions } from '../find-named-site.ts';
import type { RawSubmitOptions } from './submit-options.ts';

/** What the subcommands work with; `end` sets the exit code. */
export interface LoopContext {
  readonly context: MainContext;
  readonly say: Say;
  readonly end: (exitCode: number) => void;
}

/** The rule file of the original's loop. */
const usualRulesFile = 'sphenix_auau23.yaml';

/** Adds what has to do with loops to the program `ramenya`. */
export function withLoopCommands(program: Command, loop: LoopContext): void {
  withSubmit(program, loop);
  withFlatForm(program, loop);
  program
    .command('status')
    .description('show which loop runs which rule, what came of its last pass, and what it waits for')
    .option('--json', 'one line of JSON')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<SiteOptions & { readonly json?: true }>();
      const rules = await withStatus(options, loop, findLoopRules);
      if (options.json === true) await writeJson(rules);
      else await writeOutput(renderLoopStatus(rules, new Date(), findOutputWidth()));
    });
  program
    .command('pause')
    .description('stop all loops from running a rule; what is in the queue goes on')
    .argument('<rule>', 'name of the rule')
    .requiredOption('--reason <text>', 'why, for whoever wants to resume it')
    .action(async (rule: string, _, command: Command) => {
      const { reason, ...options } = command.optsWithGlobals<SiteOptions & { readonly reason: string }>();
      await withStatus(options, loop, (status) => putPause(status, { rule, reason, by: readAccountName() }));
      await writeLine(`${rule} is paused: 'ramenya resume ${rule}' ends it`);
    });
  program
    .command('resume')
    .description('let loops run a paused rule again, from their next cycle on')
    .argument('<rule>', 'name of the rule')
    .action(async (rule: string, _, command: Command) => {
      const wasPaused = await withStatus(command.optsWithGlobals<SiteOptions>(), loop, (status) =>
        removePause(status, rule),
      );
      if (!wasPaused) {
        throw new UsageError(`Rule '${rule}' is not paused`, {
          code: 'usage-not-paused',
          advice: "'ramenya status' lists the rules that are",
        });
      }
      await writeLine(`${rule} is not paused any more`);
    });
}

function withSubmit(program: Command, loop: LoopContext): void {
  const submit = withLoopOptions(program.command('submit'));
  markExclusive(submit, ['--rules', '--rules-file', '--rules-yaml']);
  submit
    .description('run rules once, or again and again')
    .argument('[file]', 'rule file (not with --rules-yaml)')
    .option('--rules-file <file>', 'rules of the file to run, one a line; read again in each cycle')
    .option('--rules-yaml <file>', 'rules with their options of kaedama; read again in each cycle')
    .option('--loop', 'repeat until interrupted')
    .option('--delay <seconds>', 'from the end of a cycle to the begin of the next', parseCount, 300)
    .option('--timestart <time>', 'accepted as in the original; see query', parseInstant)
    .option('--test', 'accepted as in the original, without effect')
    .addHelpText(
      'after',
      `
Examples:
  ramenya submit rules.yaml --rules DST_CALO --runs 53500 53600   each rule once
  ramenya submit rules.yaml --loop --delay 600                    repeat
  ramenya submit --rules-yaml today.yaml --loop
    with RULE: {config: FILE, runs: cursor 1000, …} in the file

Ctrl-C stops after the rule under way; once more, it stops at once.`,
    )
    .action(async (file: string | undefined, _, command: Command) => {
      const options = command.optsWithGlobals<SiteOptions & RawSubmitOptions>();
      const request = makeSubmitRequest(options, file, process.cwd());
      loop.end(
        await runSubmit(request, () => findNamedSite(options), { ...loop, printReports: () => Promise.resolve() }),
      );
    });
}

interface FlatOptions extends SiteOptions, RawSubmitOptions {
  readonly config?: string;
  readonly outputs: readonly (QueryReportName | 'condorq' | 'none')[];
  readonly submit: boolean;
}

/** The command line of version 1, which has no subcommand. */
function withFlatForm(program: Command, loop: LoopContext): void {
  const flat = withLoopOptions(program.command('loop', { hidden: true }));
  putDefaultCommand(program, flat);
  flat
    .description('run rules again and again; the command line of version 1')
    .option('--config <file>', `rule file (default: ${usualRulesFile} here, or 'rules' of the site file)`)
    .option('--delay <seconds>', 'from the end of a cycle to the begin of the next', parseCount, 600)
    .addOption(
      new Option('--outputs <report...>', 'reports to print after each cycle')
        .choices([...queryReportNames, 'condorq', 'none'])
        .default(['started'], 'started'),
    )
    .option('--no-submit', 'only print reports')
    .option('--submit', 'submit jobs (as without it)')
    .option('--once', 'one cycle')
    .action(async (_, command: Command) => {
      if (loop.context.argv.length === 0) {
        throw new UsageError('A subcommand is missing', {
          code: 'usage-help',
          advice: "'ramenya --help' lists the options",
        });
      }
      const options = command.optsWithGlobals<FlatOptions>();
      await runFlatForm(options, loop);
    });
}

async function runFlatForm(options: FlatOptions, loop: LoopContext): Promise<void> {
  const cwd = process.cwd();
  // Without runs the original submitted nothing.
  const isSubmitting = options.submit && options.runs !== undefined;
  if (options.submit && options.runs === undefined) loop.say('Without --runs nothing is submitted; reports only');
  let site: Site | undefined;
  const findOnce = async (): Promise<Site> => (site ??= await findNamedSite(options));
  const config =
    options.config ?? (existsSync(resolve(cwd, usualRulesFile)) ? usualRulesFile : (await findOnce()).rulesFile);
  const raw = { ...options, loop: true as const, ...(isSubmitting ? {} : { rules: ['none'] }) };
  const request = makeSubmitRequest(raw, isSubmitting ? config : (config ?? usualRulesFile), cwd);
  const names = options.outputs.map((name) => (name === 'condorq' ? 'condor' : name));
  const reports = makeQueryRequest({ reports: names, limit: 1000, delay: 0 });
  let status: Database | undefined;
  const printReports = async (): Promise<void> => {
    const found = await findOnce();
    if (status === undefined) {
      const opened = openDatabase(found.roles.status, { applicationName: 'ramenya' });
      loop.context.onEnd(() => opened.close());
      status = opened;
    }
    try {
      await printQueryReports(reports, { site: found, status, say: () => undefined });
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      loop.say(`No reports: ${error.message}`);
    }
  };
  loop.end(await runSubmit(request, findOnce, { ...loop, printReports }));
}

async function withStatus<T>(
  options: SiteOptions,
  { say }: LoopContext,
  action: (status: Database) => Promise<T>,
): Promise<T> {
  const site = await findNamedSite(options);
  assertMadeSite(site);
  await ensureSite(site, { say });
  const status = openDatabase(site.roles.status, { applicationName: 'ramenya', max: 1 });
  try {
    return await action(status);
  } finally {
    await status.close();
  }
}
