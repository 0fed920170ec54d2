import { sql } from '../connect.ts';

import type { Queryable } from '../connect.ts';

/**
 * Finds those products of which `datasets` has no file, whatever its `dataset` column says. A name without version and the
 * same with `_v000` are one product.
 *
 * @returns in the order asked
 * @throws DatabaseError
 */
export async function findUnlisted(catalog: Queryable, dstfiles: readonly string[]): Promise<readonly string[]> {
  if (dstfiles.length === 0) return [];
  const names = dstfiles.map(spellingsOf);
  const rows = await catalog.query<{ filename: string }>(sql`
    select distinct filename from ${sql.table(catalog.role, 'datasets')}
    where filename = any (${names.flat()}::text[])`);
  const listed = new Set(rows.map(({ filename }) => filename));
  return dstfiles.filter((_, index) => names[index]?.some((name) => listed.has(name)) !== true);
}

function spellingsOf(dstfile: string): readonly string[] {
  const twin = /_v000(?=-\d)/u.test(dstfile)
    ? dstfile.replace(/_v000(?=-\d)/u, '')
    : /_v\d+-\d/u.test(dstfile)
      ? undefined
      : dstfile.replace(/(?=-\d)/u, '_v000');
  return [dstfile, ...(twin === undefined ? [] : [twin])].flatMap((name) => [`${name}.root`, `${name}.prdf`]);
}
