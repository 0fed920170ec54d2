import { makeComplainer } from '../complain.ts';
import { readRuleFile } from '../read-rule-file.ts';
import { checkFiles } from './check-files.ts';
import { checkSql } from './check-sql.ts';
import { prepareCheckedRule } from './prepare-checked-rule.ts';
import { sortComplaints } from './render-complaints.ts';

import type { Complaint } from '#model/complaint.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { JudgePayload } from './check-files.ts';

/**
 * Reports everything that is wrong or odd in a rule file, for `kaedama --check`: what stops a dispatch of each rule, by the
 * same judge and PostgreSQL's own parser, and which of the files that a rule names are missing. Touches no database.
 *
 * @param findPayloadRefusal asked once for each payload directory that exists
 * @returns complaints in the order of the file
 * @throws RuleError where the file cannot be read
 */
export async function checkRuleFile(
  file: string,
  options: RunOptions,
  judgePayload: JudgePayload = () => Promise.resolve(undefined),
): Promise<readonly Complaint[]> {
  const { rules, complaints } = await readRuleFile(file);
  const all = [...complaints];
  const judged = new Set<string>();
  const judgeOnce: JudgePayload = async (directory) => {
    if (judged.has(directory)) return undefined;
    judged.add(directory);
    return judgePayload(directory);
  };
  for (const rule of rules) {
    const { preparation, complaints: ofRule } = prepareCheckedRule(rule, options);
    const complainer = makeComplainer(rule);
    await checkSql(rule, options, preparation, complainer);
    const draft = preparation.kind === 'prepared' ? preparation.prepared : preparation.draft;
    if (draft !== undefined) await checkFiles(draft, complainer, judgeOnce);
    all.push(...ofRule, ...complainer.complaints);
  }
  return sortComplaints(all);
}
