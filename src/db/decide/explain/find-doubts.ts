import { sql } from '#db/connect.ts';

import type { Database } from '#db/connect.ts';
import type { ExplainedRow, RowDoubts } from '#model/report/why.ts';

import type { Disk } from '../decision-request.ts';

interface Registration {
  readonly lfn: string;
  readonly path: string;
  readonly time: Date | null;
  readonly content: string | null;
}

function findRegistrations(catalog: Database, names: readonly string[]): Promise<readonly Registration[]> {
  return catalog.query<Registration>(
    sql`select lfn, full_file_path as path, time, size::text || ' ' || md5 as content
      from ${sql.table(catalog.role, 'files')} where lfn = any(${names}::text[])
      order by lfn, time desc nulls last, full_host_name collate "C", full_file_path collate "C"`,
  );
}

async function hasProduct(catalog: Database, dstfile: string, twin: string | undefined): Promise<boolean> {
  const names = [dstfile, ...(twin === undefined ? [] : [twin])].flatMap((name) => [`${name}.root`, `${name}.prdf`]);
  const found = await catalog.query<{ filename: string }>(
    sql`select filename from ${sql.table(catalog.role, 'datasets')} where filename = any(${names}::text[]) limit 1`,
  );
  return found.length > 0;
}

// A further copy of what was there before is not newer.
function isNewer({ time, lfn, content }: Registration, since: Date, all: readonly Registration[]): boolean {
  if (time === null || time <= since) return false;
  return !all.some(
    (other) =>
      other.lfn === lfn && other.time !== null && other.time <= since && content !== null && other.content === content,
  );
}

async function findGone(disk: Disk, paths: readonly string[]): Promise<Pick<RowDoubts, 'gone' | 'unknown'>> {
  const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));
  const listing = disk.list([...new Set(paths.map(directoryOf))]);
  const wanted = new Set(paths);
  const found = new Set<string>();
  const links: string[] = [];
  for await (const { path, isLink } of listing.paths) {
    if (!wanted.has(path)) continue;
    found.add(path);
    if (isLink) links.push(path);
  }
  for (const path of await disk.findDangling(links)) found.delete(path);
  return {
    gone: paths.filter((path) => !found.has(path) && !listing.unknown.has(directoryOf(path))),
    unknown: [...listing.unknown].map(([directory, reason]) => ({ directory, reason })),
  };
}

/**
 * Finds what is wrong with an explained row beside its verdict: product not in the catalog, inputs that are newer than it,
 * inputs that are gone from disk.
 *
 * @param disk absent where inputs are not in the catalog
 * @throws DatabaseError
 */
export async function findDoubts(catalog: Database, row: ExplainedRow, disk: Disk | undefined): Promise<RowDoubts> {
  const { fact, dstfile, twin } = row;
  const attempt = fact.fate === 'blocked' ? fact.attempt : undefined;
  const isFinished = attempt?.state === 'finished';
  const isUnregistered = isFinished && dstfile !== null && !(await hasProduct(catalog, dstfile, twin));
  const names = (row.files ?? '').split(/\s+/u).filter((name) => name !== '');
  const inputs = disk === undefined ? [] : await findRegistrations(catalog, names);
  const product = fact.fate === 'exists' ? await findRegistrations(catalog, [fact.filename]) : [];
  const since = isFinished ? attempt.startedAt : (product[0]?.time ?? null);
  const paths = names.flatMap(
    (name) => inputs.find(({ lfn, path }) => lfn === name && path.endsWith(`/${name}`))?.path ?? [],
  );
  return {
    isUnregistered,
    newer:
      since === null
        ? []
        : inputs.flatMap((one) =>
            one.time !== null && isNewer(one, since, inputs) ? [{ path: one.path, registeredAt: one.time }] : [],
          ),
    ...(disk === undefined || paths.length === 0 ? { gone: [], unknown: [] } : await findGone(disk, paths)),
  };
}
