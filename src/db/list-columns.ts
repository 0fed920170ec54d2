/**
 * Lists the tables of a role and their columns, run by `runScript` like any statement of an operator; a row a column:
 * `table`, `column`, `type`, `needed` (never null), in the order of the tables' names. Partitions are left out.
 */
export const columnsScript = `
  select t.relname as "table", c.attname as "column", format_type(c.atttypid, c.atttypmod) as "type",
         c.attnotnull as "needed"
  from pg_class t join pg_attribute c on c.attrelid = t.oid
  where t.relnamespace = current_schema()::regnamespace and t.relkind in ('r', 'p', 'v', 'm', 'f')
    and not t.relispartition and c.attnum > 0 and not c.attisdropped
  order by t.relname, c.attnum`;
