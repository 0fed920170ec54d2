import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeLocalBackend } from '#batch/local/make-local-backend.ts';

import { openAll } from '../db/decide/world.ts';
import { testDatabase } from '../db/test-database.ts';
import { prepareTestRuleOf } from './test-rule.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { PlanInput } from '#dispatch/plan-rule.ts';
import type { RunOptions } from '#model/run-options.ts';

import type { Databases } from '../db/decide/world.ts';

/** Real databases and a directory, for one test file. */
export interface PlanWorld {
  readonly open: Databases;
  readonly root: string;
  /** A rule over the DAQ's `proposal` table, for these options; `directPath` below the directory; another query. */
  inputOf(
    options?: Partial<RunOptions>,
    directPath?: string,
    query?: string,
  ): PlanInput & { readonly backend: BatchBackend };
  close(): Promise<void>;
}

const usualQuery = `select source, runnumber, segment, files, fileranges
      from proposal
      where true {run_condition} {seg_condition}
      order by n {limit_condition};`;

/** A query that does not look at what was asked for, but for its limit. */
export const blindQuery = usualQuery.replace('{run_condition} {seg_condition}', '');

const inputOf = (directPath = '', query = usualQuery): string => `  input:
    db: daqdb
    ${directPath === '' ? '' : `direct_path: ${directPath}`}
    query: |-
      ${query}`;

/** Opens a {@link PlanWorld}. */
export async function openPlanWorld(): Promise<PlanWorld> {
  const root = await mkdtemp(join(tmpdir(), 'slurp-plan-'));
  const database = await testDatabase();
  const open = openAll(database.roles);
  return {
    root,
    open,
    inputOf: (options, directPath, query) => ({
      prepared: prepareTestRuleOf(root, inputOf(directPath, query), options),
      ...{ databases: open.databases, statementTimeoutMs: 30_000, backend: makeLocalBackend(join(root, 'state')) },
    }),
    close: async () => {
      await open.close();
      await database.close();
      await rm(root, { recursive: true });
    },
  };
}

/** Puts empty files into a directory below the world's. */
export async function putFiles(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), '');
  }
}
