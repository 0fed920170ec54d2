import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { Option } from 'commander';

import { markExclusive, putDefaultCommand } from '#cli/option-constraints.ts';
import { writeJson, writeLine, writeOutput } from '#cli/output.ts';
import { findOutputWidth } from '#cli/table.ts';
import { parseCount, parseInstant } from '#cli/value-parsers.ts';
import { findAlarms } from '#db/status/alarm/alarms.ts';
import { countUndelivered } from '#db/status/alarm/notifications.ts';
import { findLoopRules } from '#db/status/loop/find-loop-rules.ts';
import { putPause, removePause } from '#db/status/loop/pauses.ts';
import { findBadNodes } from '#db/status/policy/bad-nodes.ts';
import { DatabaseError, UsageError } from '#model/errors.ts';
import { queryReportNames } from '#model/report/query-report.ts';
import { renderAlarms } from '#reports/loop/render-alarms.ts';
import { renderLoopStatus } from '#reports/loop/render-loop-status.ts';
import { renderNodes } from '#reports/loop/render-nodes.ts';
import { present } from '#util/present.ts';
import { readAccountName } from '#util/process/read-account-name.ts';

import { findNamedSite } from '../find-named-site.ts';
import { openMadeSite } from '../open-databases.ts';
import { withNodesCommand } from './nodes.ts';
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
import type { SubmitTools } from './submit.ts';

/** What the subcommands work with; `end` sets the exit code. */
export interface LoopContext {
  readonly context: MainContext;
  readonly say: Say;
  readonly end: (exitCode: number) => void;
}

/** The rule file of the original's loop. */
const usualRulesFile = 'sphenix_auau23.yaml';

/** Adds the subcommands for loops to the program `ramenya`. */
export function withLoopCommands(program: Command, loop: LoopContext): void {
  withSubmit(program, loop);
  withFlatForm(program, loop);
  program
    .command('status')
    .description('show which loop runs which rule, the result of its last pass, and why it waits')
    .option('--json', 'one line of JSON')
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<SiteOptions & { readonly json?: true }>();
      const status = await openStatus(options, loop);
      const rules = await findLoopRules(status);
      const nodes = await findBadNodes(status);
      const [alarms, undelivered] = [await findAlarms(status), await countUndelivered(status)];
      if (options.json === true) await writeJson({ rules, nodes, alarms, undelivered });
      else {
        const now = new Date();
        const bad = nodes.length === 0 ? '' : `\n${renderNodes(nodes)}`;
        const width = findOutputWidth();
        await writeOutput(renderLoopStatus(rules, now, width) + bad + renderAlarms(alarms, undelivered, now));
      }
    });
  withNodesCommand(program, (options) => openStatus(options, loop));
  program
    .command('pause')
    .description('stop all loops from running a rule; jobs in the queue continue')
    .argument('<rule>', 'name of the rule')
    .requiredOption('--reason <text>', 'why it is paused')
    .action(async (rule: string, _, command: Command) => {
      const { reason, ...options } = command.optsWithGlobals<SiteOptions & { readonly reason: string }>();
      const status = await openStatus(options, loop);
      const known = (await findLoopRules(status)).find((one) => one.rule === rule);
      await putPause(status, { rule, reason, by: readAccountName() });
      if (known === undefined) loop.say(`No loop has run a rule named '${rule}' yet: check the name`);
      if (known?.pause !== undefined) {
        loop.say(`It was paused by ${known.pause.by} already; that reason is replaced: ${known.pause.reason}`);
      }
      await writeLine(`${rule} is paused; 'ramenya resume ${rule}' resumes it`);
    });
  program
    .command('resume')
    .description('let loops run a paused rule again, from their next cycle on')
    .argument('<rule>', 'name of the rule')
    .action(async (rule: string, _, command: Command) => {
      const status = await openStatus(command.optsWithGlobals<SiteOptions>(), loop);
      if (!(await removePause(status, rule))) {
        throw new UsageError(`Rule '${rule}' is not paused`, {
          code: 'usage-not-paused',
          advice: "'ramenya status' lists the paused rules",
        });
      }
      await writeLine(`${rule} is resumed`);
    });
}

function withSubmit(program: Command, loop: LoopContext): void {
  const submit = withLoopOptions(program.command('submit'));
  markExclusive(submit, ['--rules', '--rules-file', '--rules-yaml']);
  submit
    .description('run rules once, or again and again')
    .argument('[file]', 'rule file (not with --rules-yaml)')
    .option('--rules-file <file>', 'names of the rules to run, one per line; read again in each cycle')
    .option('--rules-yaml <file>', 'rules with their options of kaedama; read again in each cycle')
    .option('--loop', 'repeat until interrupted')
    .option('--delay <seconds>', 'time from the end of a cycle to the start of the next', parseCount, 300)
    .option('--timestart <time>', 'accepted as in the original; see query', parseInstant)
    .option('--test', 'accepted as in the original, and ignored')
    .addHelpText(
      'after',
      `
Examples:
  ramenya submit rules.yaml --rules DST_CALO --runs 53500 53600   each rule once
  ramenya submit rules.yaml --loop --delay 600                    repeat
  ramenya submit --rules-yaml today.yaml --loop
    with RULE: {config: FILE, runs: cursor 1000, …} in the file

Ctrl-C stops after the current rule; a second Ctrl-C stops at once.`,
    )
    .action(async (file: string | undefined, _, command: Command) => {
      const options = command.optsWithGlobals<SiteOptions & RawSubmitOptions>();
      const request = makeSubmitRequest(options, file, process.cwd());
      loop.end(await runSubmit(request, { ...loop, findSite: () => findNamedSite(options) }));
    });
}

interface FlatOptions extends SiteOptions, RawSubmitOptions {
  readonly config?: string;
  readonly outputs: readonly (QueryReportName | 'condorq' | 'none')[];
  readonly submit: boolean;
  readonly html?: true;
}

/** The command line of version 1, which has no subcommand. */
function withFlatForm(program: Command, loop: LoopContext): void {
  const flat = withLoopOptions(program.command('loop', { hidden: true }));
  putDefaultCommand(program, flat);
  flat
    .description('run rules again and again; the command line of version 1')
    .option('--config <file>', `rule file (default: ${usualRulesFile} here, or 'rules' of the site file)`)
    .option('--delay <seconds>', 'time from the end of a cycle to the start of the next', parseCount, 600)
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

async function runFlatForm(options: FlatOptions, { context, say, end }: LoopContext): Promise<void> {
  const cwd = process.cwd();
  // Without runs the original submitted nothing.
  const isSubmitting = options.submit && options.runs !== undefined;
  if (options.submit && options.runs === undefined)
    say('--runs is missing: nothing is submitted, only reports are printed');
  let site: Site | undefined;
  const findSite = async (): Promise<Site> => (site ??= await findNamedSite(options));
  const config =
    options.config ?? (existsSync(resolve(cwd, usualRulesFile)) ? usualRulesFile : (await findSite()).rulesFile);
  const raw = { ...options, loop: true as const, ...(isSubmitting ? {} : { rules: ['none'] }) };
  const request = makeSubmitRequest(raw, isSubmitting ? config : (config ?? usualRulesFile), cwd);
  const names = options.outputs.map((name) => (name === 'condorq' ? 'condor' : name));
  const { json, html } = options;
  const reports = makeQueryRequest({ reports: names, limit: 1000, delay: 0, ...present({ json, html }) });
  const printReports: SubmitTools['printReports'] = async (place) => {
    try {
      await printQueryReports(reports, { site: place.site, status: place.databases.status, say: () => undefined });
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      say(`No reports: ${error.message}`);
    }
  };
  end(await runSubmit(request, { context, say, findSite, printReports }));
}

async function openStatus(options: SiteOptions, { context, say }: LoopContext): Promise<Database> {
  const { status } = await openMadeSite(await findNamedSite(options), { context, say, applicationName: 'ramenya' });
  return status;
}
