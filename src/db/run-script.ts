import { DatabaseError } from '#model/errors.ts';

import { openDatabase, sql } from './connect.ts';
import { isUnknownName } from './database-error.ts';

import type { Role } from '#model/site.ts';

import type { ScriptResult } from './connect.ts';

function adviceOf(error: DatabaseError, { role }: Role): string | undefined {
  if (error.code === 'database-read-only') return "Add '--write' to allow changes";
  if (!isUnknownName(error)) return undefined;
  return `'slurp db sql ${role}' lists its tables and columns`;
}

/**
 * Runs an operator's statements in the schema of a role, as one transaction: read only by default.
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
        await session.execute(sql`select set_config('search_path', ${sql.identifier(role.schema).text}, true)`);
        return session.script(text);
      },
      { isReadOnly: !options.isWriting },
    );
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const advice = adviceOf(error, role);
    if (advice === undefined) throw error;
    const { code, facts, cause } = error;
    throw new DatabaseError(error.message, { code, facts, advice, cause });
  } finally {
    await database.close();
  }
}
