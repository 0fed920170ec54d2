import { describe, expect, it } from 'vitest';

import { checkQuery } from '#rules/check/check-query.ts';

/** Columns of a query in one line; `…` where there may be more. */
async function columnsOf(sql: string): Promise<string | undefined> {
  const { columns } = await checkQuery(sql);
  return columns === undefined ? undefined : [...columns.names, ...(columns.isComplete ? [] : ['…'])].join(' ');
}

describe('columns of a query', () => {
  it.each([
    ['select a, b.c, d as e, 1 as "F g" from b', 'a c e F g'],
    ['select count(*), max(x), pg_catalog.lower(y)', 'count max lower'],
    ["select 1, 'x', a || b, a + 1, -a", '?column? ?column? ?column? ?column? ?column?'],
    ['select a::int, 1::text, (b)::text::int, int4(c)', 'a text b int4'],
    [
      'select case when a then b end, case when a then b else c end, coalesce(a, b), least(a), greatest(b)',
      'case c coalesce least greatest',
    ],
    ['select (select x from t), exists(select 1), array(select 1), (select max(y) from t)', 'x exists array max'],
    ['select (r).field, (f(x)).other', 'field other'],
    ['select * from t', '…'],
    ['select a, t.* from t', 'a …'],
    ['select * from (select a, b as c from t) s', 'a c'],
    ['select s.*, 1 as d from (select a, b from t) as s (x)', 'x b d'],
    ['with w as (select a, b from t) select *, 2 as c from w', 'a b c'],
    ['with w (x, y) as (select a, b from t) select w.* from w', 'x y'],
    ['with w as (select * from t) select *, 2 as c from w', '… c'.split(' ').reverse().join(' ')],
    ['with w as (select a), v as (select *, 1 as b from w) select v.*, w.* from v, w', 'a b a'],
    ['with w as (select a) select * from w join w as v on true', 'a a'],
    ['with w as (select a) select * from w join w as v using (a)', '…'],
    ['with w as (select a) select * from other.w', '…'],
    ['select a from t union all select b from t', 'a'],
    ['(select a as x from t) union (select b from t) order by 1 limit 1', 'x'],
    ['values (1, 2), (3, 4)', 'column1 column2'],
    ['select * from (values (1, 2)) as v (a, b)', 'a b'],
    ['select * from generate_series(1, 2) as g', '…'],
    ['select generate_series(0, 9) as segment, x.y from x', 'segment y'],
    ['with recursive w as (select 1 as n union all select n + 1 from w) select n from w', 'n'],
  ])('%s', async (sql, columns) => {
    expect(await columnsOf(sql)).toBe(columns);
  });

  it.each(['insert into t values (1)', 'with w as (delete from t returning *) select * from w', 'select 1 into t', ''])(
    'are not asked of %s',
    async (sql) => {
      expect(await columnsOf(sql)).toBeUndefined();
    },
  );
});

describe('checked query', () => {
  const good = 'select source, runnumber, segment, files from t';

  it.each([
    [good, []],
    [`${good};; -- end`, []],
    ['', [{ offset: 0, message: 'The query is empty', expected: 'one SELECT that only reads' }]],
    [';;', [{ offset: 0, message: 'The query is empty', expected: 'one SELECT that only reads' }]],
    [`${good}; select 2`, [{ offset: 47, message: '2 statements in a query', expected: 'one SELECT that only reads' }]],
    [
      'update t set a = 1',
      [{ offset: 0, message: 'The query is not a SELECT', expected: 'one SELECT that only reads' }],
    ],
    ["select 'é😀', from t", [{ offset: 14, message: 'SQL: syntax error at or near "from"' }]],
    ['select 1,\n   \n', [{ offset: 9, message: 'SQL: syntax error at end of input' }]],
    ["select 'open", [{ offset: 7, message: 'SQL: unterminated quoted string at or near "\'open"' }]],
    [
      "select 'é' as source, runnumber from t",
      [
        {
          offset: 7,
          message: "The query returns no column 'segment', 'files'",
          expected: 'the columns source, runnumber, segment, files',
        },
      ],
    ],
    ['select *, 1 as x from t', []],
  ])('%j', async (sql, problems) => {
    expect((await checkQuery(sql)).problems).toEqual(problems);
  });
});
