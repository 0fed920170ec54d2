import { describe, expect, it } from 'vitest';

import { sql } from '#db/sql.ts';

const role = { schema: 'catalog' };

describe('sql', () => {
  it('turns values into parameters, numbered in order', () => {
    expect(sql`select ${1}, ${'a'}, ${null}`).toMatchObject({ text: 'select $1, $2, $3', values: [1, 'a', null] });
  });

  it('weaves statements in and numbers their parameters again', () => {
    const live = sql`status = ${'finished'} and run > ${7}`;
    expect(sql`select ${1} from t where ${live} or ${live} and x = ${2}`).toMatchObject({
      text: 'select $1 from t where status = $2 and run > $3 or status = $4 and run > $5 and x = $6',
      values: [1, 'finished', 7, 'finished', 7, 2],
    });
  });

  it('quotes names, and qualifies tables by the schema of their role', () => {
    expect(sql`select ${sql.identifier('a"b')} from ${sql.table(role, 'files')}`.text).toBe(
      'select "a""b" from "catalog"."files"',
    );
  });

  it('joins any number of statements, also none', () => {
    expect(sql`in (${sql.join([sql`${1}`, sql`${2}`, sql`now()`])})`).toMatchObject({
      text: 'in ($1, $2, now())',
      values: [1, 2],
    });
    expect(sql`a${sql.join([])}b`.text).toBe('ab');
  });

  it('keeps text that looks like a parameter as a value', () => {
    expect(sql`select ${"$1'; drop table x"}`.text).toBe('select $1');
  });
});
