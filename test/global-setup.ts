import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { stopPostgres } from '#config/postgres/embedded-postgres.ts';

import { directoriesIn } from './db/test-server.ts';

import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  /** What the set-up of a run passes to every test file. */
  export interface ProvidedContext {
    /** Absolute; directory of the run's private PostgreSQL, which the first test that wants a database starts. */
    databaseDirectory: string;
  }
}

/** Makes the directory of the run's database server, and puts server and directory away at the end. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  // Not below TMPDIR: the path of a socket has 107 bytes at most.
  const directory = await mkdtemp('/tmp/slurp-test-');
  project.provide('databaseDirectory', directory);
  // Sites and servers of tests copy what the first of them made.
  process.env['SLURP_DATABASE_TEMPLATE'] = join(directory, 'template');
  return async () => {
    await stopPostgres(directoriesIn(directory), 'immediate');
    await rm(directory, { recursive: true, force: true });
  };
}
