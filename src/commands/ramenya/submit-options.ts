import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { InvalidArgumentError, Option } from 'commander';

import { parseCount } from '#cli/value-parsers.ts';
import { UsageError } from '#model/errors.ts';

import type { Command } from 'commander';

import type { RuleSelection } from './read-turns.ts';
import type { SubmitRequest } from './submit.ts';

/** The options of `ramenya submit`, as the option parser leaves them. */
export interface RawSubmitOptions {
  readonly runs?: readonly string[];
  readonly loop?: true;
  readonly once?: true;
  readonly delay: number;
  readonly rules?: readonly string[];
  readonly rulesFile?: string;
  readonly rulesYaml?: string;
  readonly resubmit?: true;
  readonly yes?: true;
  readonly doit?: true;
  readonly nevents: number;
  readonly experimentMode?: string;
  readonly maxjobs: number;
  readonly dbinput: boolean;
  readonly maxcondor: number;
  readonly watermark: number;
  readonly watermarkAction: 'cycle' | 'exit';
  readonly verbose?: true;
  readonly json?: true;
}

/** Adds the options that both command lines of the loop have. */
export function withLoopOptions(command: Command): Command {
  return command
    .option('--runs <run...>', "a run; a range A B; a list of three or more; 'cursor' [N] (default: all)")
    .option('--rules <name...>', 'these rules of the file (default: all)')
    .option('--maxjobs <n>', 'at most this many jobs of a rule in a cycle', parseCount, 10_000)
    .option('--maxcondor <n>', 'stop submitting when the queue has this many jobs', parseCount, 75_000)
    .option('--watermark <x>', 'multiple of --maxcondor for --watermark-action', parseFactor, 1.05)
    .addOption(
      new Option('--watermark-action <action>', 'above the watermark: wait for the next cycle, or exit')
        .choices(['cycle', 'exit'])
        .default('cycle', 'cycle'),
    )
    .option('-n, --nevents <n>', 'events for each job to process (0: all)', parseCount, 0)
    .option('--experiment-mode <mode>', '{mode} in the rules')
    .option('--no-dbinput', 'no longer has any effect')
    .option('--dbinput', 'inputs reach jobs through the database (always)')
    .option('-r, --resubmit', 'redo what already exists; requires --yes')
    .option('--yes', 'allow existing files to be replaced')
    .option('--doit', 'also submit from a payload that is not published');
}

/**
 * Makes the request of a loop from its options.
 *
 * @param config the rule file, as written; absent where none was named
 * @throws UsageError where no rule file is named
 */
export function makeSubmitRequest(raw: RawSubmitOptions, named: string | undefined, cwd: string): SubmitRequest {
  const { rules, config } = splitRules(raw.rules, named);
  if (config === undefined && raw.rulesYaml === undefined) {
    throw new UsageError('--rules-yaml is missing, and no rule file is named: expected one of them', {
      code: 'usage-options',
      advice: "'ramenya submit --help' lists the options",
    });
  }
  return {
    selection: makeSelection(raw, rules, cwd, resolve(cwd, config ?? '')),
    args: makeArguments(raw, resolve(cwd, config ?? '')),
    cwd,
    ...(raw.loop === true && raw.once !== true ? { delayMs: 1000 * raw.delay } : {}),
    limits: { maxJobs: raw.maxcondor, watermark: raw.watermark, atWatermark: raw.watermarkAction },
    isVerbose: raw.verbose === true,
    isJson: raw.json === true,
  };
}

function parseFactor(text: string): number {
  if (/^\d{1,4}(?:\.\d+)?$/u.test(text)) return Number(text);
  throw new InvalidArgumentError(`'${text}' is not a factor: expected a number such as 1.05`);
}

/** `--rules` takes all words up to the next option, so a rule file after it looks like another rule. */
function splitRules(
  rules: readonly string[] | undefined,
  named: string | undefined,
): { readonly rules: readonly string[]; readonly config: string | undefined } {
  const words = (rules ?? []).flatMap((word) => word.split(',')).filter((word) => word !== '');
  const last = words.at(-1);
  if (named !== undefined || last === undefined || !(/\.ya?ml$/u.test(last) && existsSync(last)))
    return { rules: words, config: named };
  return { rules: words.slice(0, -1), config: last };
}

function makeSelection(raw: RawSubmitOptions, rules: readonly string[], cwd: string, config: string): RuleSelection {
  if (raw.rulesYaml !== undefined) return { kind: 'yaml', file: resolve(cwd, raw.rulesYaml) };
  if (raw.rulesFile !== undefined) return { kind: 'file', file: resolve(cwd, raw.rulesFile) };
  if (rules.includes('none')) return { kind: 'named', names: [] };
  return rules.length === 0 || rules.includes('all')
    ? { kind: 'all', config }
    : { kind: 'named', names: [...new Set(rules)] };
}

/** The options of `kaedama` for each rule. */
function makeArguments(raw: RawSubmitOptions, config: string): readonly string[] {
  const runs = raw.runs === undefined || raw.runs.length === 0 ? ['0', '999999'] : raw.runs;
  return [
    ...['--config', config, '--nevents', String(raw.nevents), '--maxjobs', String(raw.maxjobs), '--runs', ...runs],
    ...(raw.experimentMode === undefined ? [] : ['--experiment-mode', raw.experimentMode]),
    ...(raw.resubmit === true ? ['--resubmit'] : []),
    ...(raw.yes === true ? ['--yes'] : []),
    ...(raw.doit === true ? ['--doit'] : []),
  ];
}
