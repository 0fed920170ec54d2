import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { UsageError } from '#model/errors.ts';
import { present } from '#util/present.ts';

import type { Command } from 'commander';

import type { RuleSelection } from './read-turns.ts';
import type { SubmitRequest } from './submit.ts';

/** The options of `ramenya submit`, as the option parser leaves them. */
export interface RawSubmitOptions {
  readonly runs?: readonly string[];
  readonly loop?: true;
  readonly once?: true;
  readonly delay: string;
  readonly rules?: readonly string[];
  readonly rulesFile?: string;
  readonly rulesYaml?: string;
  readonly resubmit?: true;
  readonly yes?: true;
  readonly doit?: true;
  readonly nevents: string;
  readonly experimentMode?: string;
  readonly maxjobs: string;
  readonly dbinput: boolean;
  readonly maxcondor: string;
  readonly watermark: string;
  readonly watermarkAction: string;
  readonly verbose?: true;
  readonly json?: true;
}

/** Adds the options that both command lines of the loop have. */
export function withLoopOptions(command: Command): Command {
  return command
    .option('--runs <run...>', "a run; a range A B; a list of three or more; 'cursor' [N] (default: all)")
    .option('--rules <name...>', 'these rules of the file (default: all)')
    .option('--maxjobs <n>', 'jobs of a rule in a cycle at most', '10000')
    .option('--maxcondor <n>', 'with so many jobs in the queue, submit no more', '75000')
    .option('--watermark <x>', 'with x times --maxcondor in the queue, end the cycle', '1.05')
    .option('--watermark-action <action>', "what follows: 'cycle', the next one after the delay; 'exit'", 'cycle')
    .option('-n, --nevents <n>', 'events for each job to process (0: all)', '0')
    .option('--experiment-mode <mode>', '{mode} in the rules')
    .option('--dbinput', 'inputs reach jobs through the database (always)', true)
    .option('--no-dbinput', 'no longer has any effect')
    .option('-r, --resubmit', 'redo what already exists; needs --yes')
    .option('--yes', 'allow that files are replaced')
    .option('--doit', 'also submit from a payload that is not published');
}

/**
 * Makes the request of a loop from its options.
 *
 * @param config the rule file, as written; absent where none was named
 * @throws UsageError with everything that is wrong
 */
export function makeSubmitRequest(raw: RawSubmitOptions, named: string | undefined, cwd: string): SubmitRequest {
  const reasons: string[] = [];
  const number = (option: string, word: string, form = /^\d{1,9}$/u): number => {
    if (form.test(word)) return Number(word);
    reasons.push(`${option}: '${word}' is not a number of that kind: expected 0 or more`);
    return 0;
  };
  const { rules, config } = splitRules(raw.rules, named);
  const { watermarkAction } = raw;
  if (watermarkAction !== 'cycle' && watermarkAction !== 'exit') {
    reasons.push(`--watermark-action: '${watermarkAction}' is unknown: expected 'cycle' or 'exit'`);
  }
  const sources = [
    raw.rules === undefined ? [] : ['--rules'],
    raw.rulesFile === undefined ? [] : ['--rules-file'],
    raw.rulesYaml === undefined ? [] : ['--rules-yaml'],
  ].flat();
  if (sources.length > 1) reasons.push(`${sources.join(', ')}: use only one of them`);
  if (config === undefined && raw.rulesYaml === undefined)
    reasons.push('--rules-yaml is missing, and no rule file is named: expected one of them');
  const request = {
    selection: makeSelection(raw, rules, resolve(cwd, config ?? '')),
    args: makeArguments(raw, resolve(cwd, config ?? '')),
    cwd,
    ...(raw.loop === true && raw.once !== true ? { delayMs: 1000 * number('--delay', raw.delay) } : {}),
    limits: {
      maxJobs: number('--maxcondor', raw.maxcondor),
      watermark: number('--watermark', raw.watermark, /^\d{1,4}(?:\.\d+)?$/u),
      atWatermark: watermarkAction === 'exit' ? ('exit' as const) : ('cycle' as const),
    },
    isVerbose: raw.verbose === true,
    isJson: raw.json === true,
  };
  if (reasons.length === 0) return request;
  throw new UsageError(reasons.length === 1 ? `Option ${reasons.join('')}` : `${reasons.length} options are wrong`, {
    code: 'usage-options',
    ...present({ complaints: reasons.length === 1 ? undefined : reasons }),
    advice: "'ramenya submit --help' lists the options",
  });
}

/** Behind `--rules`, which takes several words, the rule file looks like one more rule. */
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

function makeSelection(raw: RawSubmitOptions, rules: readonly string[], config: string): RuleSelection {
  if (raw.rulesYaml !== undefined) return { kind: 'yaml', file: resolve(raw.rulesYaml) };
  if (raw.rulesFile !== undefined) return { kind: 'file', file: resolve(raw.rulesFile) };
  if (rules.includes('none')) return { kind: 'named', names: [] };
  return rules.length === 0 || rules.includes('all')
    ? { kind: 'all', config }
    : { kind: 'named', names: [...new Set(rules)] };
}

/** What each rule is asked for, as options of `kaedama`. */
function makeArguments(raw: RawSubmitOptions, config: string): readonly string[] {
  const runs = raw.runs === undefined || raw.runs.length === 0 ? ['0', '999999'] : raw.runs;
  return [
    ...['--config', config, '--nevents', raw.nevents, '--maxjobs', raw.maxjobs, '--runs', ...runs],
    ...(raw.experimentMode === undefined ? [] : ['--experiment-mode', raw.experimentMode]),
    ...(raw.resubmit === true ? ['--resubmit'] : []),
    ...(raw.yes === true ? ['--yes'] : []),
    ...(raw.doit === true ? ['--doit'] : []),
  ];
}
