import { join } from 'node:path';

import { defaultRunOptions } from '#model/run-options.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import type { RunOptions } from '#model/run-options.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/** The dstname of {@link prepareTestRuleOf}. */
export const testDstname = 'DST_TEST_run2pp_ana437_2024p007_v001';

/** The dstfile of {@link prepareTestRuleOf} for a run. */
export function testDstfile(run: number, segment = 0): string {
  return `${testDstname}-${String(run).padStart(8, '0')}-${String(segment).padStart(5, '0')}`;
}

/** Writes a rule; `blocks` are its `input` and what else differs, as YAML, and `more` stands at its end. */
export function renderTestRule(name: string, blocks: string, more = '', product = `${name}_run2pp`): string {
  return `
${name}:
  params:
    name: ${product}
    build: ana.437
    build_name: ana437
    dbtag: 2024p007
    version: 1
    script: run.sh
    payload: ./payload/
    mem: 1024MB
    rsync: "./payload/*"
    outbase: "$(name)_$(build)_$(tag)_$(version)"
    logbase: "$(name)_$(build)_$(tag)_$(version)-$INT(run,{RUNFMT})-$INT(seg,{SEGFMT})"
${blocks}
  job:
    arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
${more}`;
}

/** Writes the query of a rule, and its directories below `root`, for {@link renderTestRule}. */
export function renderTestBlocks(root: string, db: 'fc' | 'status', query: string): string {
  return `  input:
    db: ${db}
    query: ${query}
  filesystem:
    outdir: "${root}/out"
    logdir: "file://${root}/log"
    histdir: "${root}/hist"
    condor: "${root}/condor"`;
}

/** The rule `TEST` of a file in this directory, ready; `blocks` are its `input` and what else differs, as YAML. */
export function prepareTestRuleOf(root: string, blocks: string, options: Partial<RunOptions> = {}): PreparedRule {
  const text = renderTestRule('TEST', blocks, '', 'DST_TEST_run2pp');
  const { rules, complaints } = parseRuleFile(text, join(root, 'test.yaml'));
  const [rule] = rules;
  if (rule === undefined) throw new Error(JSON.stringify(complaints));
  const preparation = prepareRule(rule, {
    ...defaultRunOptions,
    submitDirectory: root,
    now: '2026-11-24T08:00:00.000Z',
    ...options,
  });
  if (preparation.kind === 'refused') throw new Error(JSON.stringify(preparation.complaints));
  return preparation.prepared;
}
