import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { sql } from '#db/sql.ts';

import type { Statement } from '#db/sql.ts';

/** A file of statements that is one step of an adoption. */
export interface Step {
  /** E.g. `retire older`. */
  readonly name: string;
  readonly statement: Statement;
}

/** Reads the steps `sqlDirectory/ROLE/adopt/NN-name.sql`, in order. */
export async function readSteps(sqlDirectory: string, role: string): Promise<readonly Step[]> {
  const directory = join(sqlDirectory, role, 'adopt');
  const files = (await readdir(directory)).filter((file) => /^\d\d-[a-z-]+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace(/^\d\d-|\.sql$/g, '').replaceAll('-', ' '),
      statement: sql.verbatim(await readFile(join(directory, file), 'utf8')),
    })),
  );
}
