import { sql } from '#db/connect.ts';
import { formatDstname, streamMacro, twinOf } from '#model/dst-name.ts';
import { present } from '#util/present.ts';
import { headOf } from '#util/text/head-of.ts';

import type { Statement } from '#db/connect.ts';
import type { Production } from '#model/production.ts';

/** The names of a rule's products, streams not yet put in. */
export interface ProductNames {
  readonly dsttype: string;
  readonly dstname: string;
  /** The other dstname that means the same product; absent unless the rule has no version. */
  readonly twin?: string;
  /** Whether the names hold `$(streamname)`. */
  readonly isStreamed: boolean;
}

/**
 * SQL for run, segment and stream of one row, from columns or expressions; each may stand anywhere in a statement.
 */
export interface RowSql {
  readonly run: Statement;
  readonly segment: Statement;
  readonly streamname: Statement;
}

/** Makes the names that a decision looks for. */
export function makeProductNames(production: Production): ProductNames {
  const twin = twinOf(production);
  return {
    dsttype: production.dsttype,
    dstname: formatDstname(production),
    ...present({ twin }),
    isStreamed: production.dsttype.includes(streamMacro),
  };
}

/** The row's name out of a name that may hold `$(streamname)`; null where the stream is needed and null. */
export function nameSql(pattern: Statement, row: Pick<RowSql, 'streamname'>, isStreamed: boolean): Statement {
  return isStreamed ? sql`replace(${pattern}, ${sql.verbatim(`'${streamMacro}'`)}, ${row.streamname})` : pattern;
}

// `%08i` of C: widths are not maxima, and a sign takes part in the width. lpad alone would cut long numbers.
function paddedSql(value: Statement, digits: number): Statement {
  const largest = sql.verbatim(String(10 ** digits - 1));
  const [wide, narrow] = [sql.verbatim(String(digits)), sql.verbatim(String(digits - 1))];
  const size = sql`abs(${value}::bigint)::text`;
  return sql`case when ${value} between 0 and ${largest} then lpad(${value}::text, ${wide}, '0')
    when ${value} > 0 then ${value}::text
    else '-' || lpad(${size}, greatest(${narrow}, length(${size})), '0') end`;
}

/**
 * The row's dstfile: run with 8 digits, segment with 5; null where run, segment or a needed stream is null.
 *
 * @see docs/names.md
 */
export function dstfileSql(pattern: Statement, row: RowSql, isStreamed: boolean): Statement {
  const name = nameSql(pattern, row, isStreamed);
  return sql`(${name} || '-' || (${paddedSql(row.run, 8)}) || '-' || (${paddedSql(row.segment, 5)}))`;
}

/** A LIKE pattern for everything that begins like this name; a stream ends what is known of it. */
export function likePrefixOf(name: string): string {
  const known = headOf(name, streamMacro);
  return `${known.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
