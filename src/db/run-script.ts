import { DatabaseError } from '#model/errors.ts';

import { openDatabase, sql } from './connect.ts';

import type { Role } from '#model/site.ts';

import type { ScriptResult } from './connect.ts';

/**
 * Runs an operator's statements in the schema of a role, as one transaction: read only unless told otherwise.
 *
 * @returns one result a statement, texts as the server prints them
 * @throws DatabaseError; then nothing has changed
 */
export async function runScript(
  role: Role,
  text: string,
  options: { readonly isWriting: boolean },
): Promise<readonly ScriptResult[]> {
  const database = openDatabase(role, { applicationName: 'slurp db sql', max: 1 });
  try {
    return await database.transaction(
      async (session) => {
        await session.execute(sql`select set_config('search_path', ${`"${role.schema.replaceAll('"', '""')}"`}, true)`);
        return session.script(text);
      },
      { isReadOnly: !options.isWriting },
    );
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== 'database-read-only') throw error;
    throw new DatabaseError(error.message, {
      code: error.code,
      facts: error.facts,
      advice: "Add '--write' if you mean it",
      cause: error.cause,
    });
  } finally {
    await database.close();
  }
}
