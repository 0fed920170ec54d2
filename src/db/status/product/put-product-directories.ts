import { sql } from '../../connect.ts';

import type { Queryable } from '../../connect.ts';

/**
 * Records where the jobs of a submission put what they make.
 *
 * @param directories absolute paths, without duplicates
 * @throws DatabaseError
 */
export async function putProductDirectories(
  status: Queryable,
  uuid: string,
  directories: readonly string[],
): Promise<void> {
  await status.execute(sql`
    update ${sql.table(status.role, 'submission')} set product_directories = ${[...directories]}::text[]
    where uuid = ${uuid}::uuid`);
}
