import { fileURLToPath } from 'node:url';

import { defaultRunOptions } from '#model/run-options.ts';
import { renderComplaint } from '#rules/check/render-complaints.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { readRuleFile } from '#rules/read-rule-file.ts';

import type { Complaint } from '#model/complaint.ts';
import type { Rule } from '#model/rule.ts';
import type { RunOptions } from '#model/run-options.ts';
import type { JobRow } from '#rules/job/job-row.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** Absolute path of a test rule file. */
export function ruleFile(name: string): string {
  return fileURLToPath(new URL(`../rule-files/${name}.yaml`, import.meta.url));
}

/** Options of a command line in a directory that does not exist. */
export const someOptions: RunOptions = {
  ...defaultRunOptions,
  runs: { kind: 'range', first: 22_000, last: 22_100 },
  submitDirectory: '/nowhere/operator',
  now: '2026-05-01T12:30:00Z',
};

/** A rule of a test rule file, the first where no name is given. */
export async function readRule(name: string, rule?: string): Promise<Rule> {
  const { rules } = await readRuleFile(ruleFile(name));
  const found = rule === undefined ? rules[0] : rules.find((one) => one.name === rule);
  if (found === undefined) throw new Error(`no rule '${rule ?? ''}' in '${name}'`);
  return found;
}

/** A rule of a test rule file, made ready. */
export async function prepared(name: string, rule?: string, options: Partial<RunOptions> = {}): Promise<PreparedRule> {
  const preparation = prepareRule(await readRule(name, rule), { ...someOptions, ...options });
  if (preparation.kind === 'prepared') return preparation.prepared;
  throw new Error(renderComplaints(preparation.complaints).join('\n'));
}

/** Complaints as lines, without the directory of the file. */
export function renderComplaints(complaints: readonly Complaint[]): readonly string[] {
  return complaints.map((complaint) => renderComplaint({ ...complaint, file: complaint.file.replace(/^.*\//, '') }));
}

/** A row as the decision would give it for this rule. */
export function someRow(rule: PreparedRule, row: Partial<JobRow> = {}): JobRow {
  const dsttype = rule.names.production.dsttype.replaceAll('$(streamname)', row.streamname ?? '');
  const dstname = `${dsttype}_${rule.names.dataset}`;
  return {
    run: 22_026,
    segment: 7,
    dsttype,
    dstname,
    dstfile: `${dstname}-00022026-00007`,
    source: 'daqdb/filelist',
    inputs: '/nowhere/physics/a-00022026-0000.evt /nowhere/physics/b-00022026-0000.evt',
    ranges: 'a:0:99 b:0:99',
    extra: {},
    ...row,
  };
}
