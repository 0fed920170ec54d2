import { readFile } from 'node:fs/promises';

import { parseRulesFile } from '#loop/parse-rules-file.ts';
import { parseRulesYaml } from '#loop/parse-rules-yaml.ts';
import { InputError, RuleError, SlurpError, UsageError } from '#model/errors.ts';
import { renderComplaint } from '#rules/check/render-complaints.ts';
import { readRuleFile } from '#rules/read-rule-file.ts';
import { describeError } from '#util/describe-error.ts';
import { decodeText } from '#util/text/decode-text.ts';

import { readKaedamaOptionForms, readKaedamaRequest } from '../kaedama/kaedama-options.ts';

import type { ListedRule } from '#loop/parse-rules-yaml.ts';
import type { LoopTurn } from '#loop/run-turn.ts';
import type { Say } from '#model/log.ts';

import type { KaedamaRequest } from '../kaedama/kaedama-options.ts';

/** Which rules a loop runs. */
export type RuleSelection =
  /** All of a rule file, in its order. */
  | { readonly kind: 'all'; readonly config: string }
  | { readonly kind: 'named'; readonly names: readonly string[] }
  /** `--rules-file`: one rule per line. */
  | { readonly kind: 'file'; readonly file: string }
  /** `--rules-yaml`: rules with their options. */
  | { readonly kind: 'yaml'; readonly file: string };

/** What {@link makeTurnReader} reads. Paths are absolute. */
export interface TurnRequest {
  readonly selection: RuleSelection;
  /** Options of `kaedama` for every rule; a `yaml` selection has its own instead. */
  readonly args: readonly string[];
  readonly cwd: string;
}

/**
 * Makes the function that reads which rules to run. A list is read again in each call. If it is broken, that is reported
 * once, and the last valid version stays in use.
 *
 * @returns a function that throws in the first call only: UsageError, InputError, RuleError
 */
export function makeTurnReader(request: TurnRequest, say: Say): () => Promise<readonly LoopTurn[]> {
  let valid: readonly LoopTurn[] | undefined;
  let reported: string | undefined;
  return async () => {
    try {
      valid = await readTurns(request);
      if (reported !== undefined) say('The list of rules is valid again, and in use');
      reported = undefined;
      return valid;
    } catch (error) {
      if (valid === undefined) throw error;
      const complaints = error instanceof SlurpError ? error.complaints : [];
      const text = [describeError(error), ...complaints.map((complaint) => `  ${complaint}`)].join('\n');
      if (text !== reported) say(`${text}\nThe last valid version of the list stays in use`);
      reported = text;
      return valid;
    }
  };
}

async function readTurns({ selection, args, cwd }: TurnRequest): Promise<readonly LoopTurn[]> {
  const listed = await readList(selection, args);
  if (listed.length === 0 && selection.kind !== 'named') {
    // An editor may have emptied the file to write it again.
    throw new InputError(`'${selection.kind === 'all' ? selection.config : selection.file}' contains no rules`, {
      code: 'input-rules',
      advice: 'Add rules; to stop rules, pause them or stop the loop',
    });
  }
  const turns: LoopTurn[] = [];
  const complaints: string[] = [];
  for (const { rule, args: own } of listed) {
    try {
      const place = { cwd, now: new Date().toISOString() };
      const request = await readKaedamaRequest([...own, '--batch', '--rule', rule], place);
      const turn = makeTurn(request, complaints, rule);
      if (turn !== undefined) turns.push(turn);
    } catch (error) {
      if (!(error instanceof SlurpError)) throw error;
      const reasons = error.complaints.length === 0 ? [error.message] : error.complaints;
      complaints.push(...reasons.map((reason) => `${rule}: ${reason}`));
    }
  }
  if (complaints.length === 0) return turns;
  throw new UsageError('Options of rules are wrong', {
    code: 'usage-options',
    complaints: [...new Set(complaints)],
    advice: "'kaedama --help' lists the options of a rule",
  });
}

/** @returns undefined for a rule that is not to be submitted */
function makeTurn(request: KaedamaRequest | undefined, complaints: string[], rule: string): LoopTurn | undefined {
  const kind = request?.action.kind;
  if (request === undefined || (kind !== 'dispatch' && kind !== 'plan')) {
    complaints.push(`${rule}: a loop only submits: expected no --${kind ?? 'help'}`);
    return undefined;
  }
  if (request.site !== undefined) complaints.push(`${rule}: a loop runs at one site: give --site to ramenya itself`);
  const { config, options, wish, isYes } = request;
  return kind === 'plan' ? undefined : { rule, config, options, wish, isYes };
}

async function readList(selection: RuleSelection, args: readonly string[]): Promise<readonly ListedRule[]> {
  if (selection.kind === 'named') return selection.names.map((rule) => ({ rule, args }));
  if (selection.kind === 'all') {
    const { rules, complaints, file } = await readRuleFile(selection.config);
    const ofFile = complaints.filter(({ rule, severity }) => rule === undefined && severity === 'error');
    if (ofFile.length > 0) {
      throw new RuleError(`The rule file '${file}' cannot be used`, {
        code: 'rule-refused',
        facts: { file },
        complaints: ofFile.map(renderComplaint),
        advice: "Correct it; 'kaedama --check' shows everything that is wrong in it",
      });
    }
    return rules.map(({ name }) => ({ rule: name, args }));
  }
  const { file } = selection;
  const text = await readListFile(file);
  const { rules, problems } =
    selection.kind === 'yaml'
      ? parseRulesYaml(text, readKaedamaOptionForms())
      : { rules: parseRulesFile(text).map((rule) => ({ rule, args })), problems: [] };
  if (problems.length === 0) return rules;
  throw new InputError(`The list of rules '${file}' cannot be used`, {
    code: 'input-rules',
    complaints: problems,
    advice: 'Correct the file',
  });
}

async function readListFile(file: string): Promise<string> {
  try {
    return decodeText(await readFile(file)).text;
  } catch (cause) {
    throw new InputError(`Cannot read the list of rules '${file}': ${describeError(cause, file)}`, {
      code: 'input-rules-unreadable',
      cause,
      advice: 'Give the path of a file that lists rules',
    });
  }
}
