import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { defaultRunOptions } from '#model/run-options.ts';
import { prepareRule } from '#rules/prepare-rule.ts';
import { parseRuleFile } from '#rules/read-rule-file.ts';

import { openAll } from '../db/decide/world.ts';
import { testDatabase } from '../db/test-database.ts';

import type { PlanInput } from '#dispatch/plan-rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { Databases } from '../db/decide/world.ts';

/** Real databases and a folder, for one test file. */
export interface PlanWorld {
  readonly open: Databases;
  readonly root: string;
  /** A rule over the DAQ's `proposal` table, for these options; `directPath` below the folder. */
  inputOf(options?: Partial<RunOptions>, directPath?: string): PlanInput;
  close(): Promise<void>;
}

const ruleText = (directPath: string): string => `
TEST:
  params:
    name: DST_TEST_run2pp
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
  input:
    db: daqdb
    ${directPath}
    query: |-
      select source, runnumber, segment, files, fileranges
      from proposal
      where true {run_condition} {seg_condition}
      order by n {limit_condition};
  job:
    arguments: "$(nevents) {outbase} {logbase} $(run) $(seg) $(outdir) $(buildarg) $(tag) $(inputs) $(ranges) {logdir} {PWD} {rsync}"
    log: "{condor}/{logbase}.condor"
`;

/** Opens a {@link PlanWorld}. */
export async function openPlanWorld(): Promise<PlanWorld> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-plan-'));
  const database = await testDatabase();
  const open = openAll(database.roles);
  return {
    root,
    open,
    inputOf: (options = {}, directPath) => {
      const text = ruleText(directPath === undefined ? '' : `direct_path: ${directPath}`);
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
      return { prepared: preparation.prepared, databases: open.databases, statementTimeoutMs: 30_000 };
    },
    close: async () => {
      await open.close();
      await database.close();
      await rm(root, { recursive: true });
    },
  };
}

/** Puts empty files into a folder below the world's. */
export async function putFiles(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), '');
  }
}
