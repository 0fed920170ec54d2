import fc from 'fast-check';
import { expect, it } from 'vitest';

import { withoutStatementEnd } from '#rules/text/without-statement-end.ts';

it.each([
  ['select 1', 'select 1'],
  ['select 1;', 'select 1'],
  ['select 1 ;; \n ;', 'select 1'],
  ['select 1 -- all of it', 'select 1'],
  ['select 1; -- first;\n-- second\n', 'select 1'],
  ['select 1 /* a ; /* nested */ b */ ;', 'select 1'],
  ["select ';' ;", "select ';'"],
  ["select 'it''s;--' ;", "select 'it''s;--'"],
  ["select e'\\';--' ;", "select e'\\';--'"],
  ['select 1 as "a;--""b" ;', 'select 1 as "a;--""b"'],
  ['select $$ ; -- $$ ;', 'select $$ ; -- $$'],
  ['select $tag$ $$ ; $tag$;', 'select $tag$ $$ ; $tag$'],
  ['select a$b$c from d;', 'select a$b$c from d'],
  ['select 1 -- a\n, 2 -- b', 'select 1 -- a\n, 2'],
  ['select 5 - -3;', 'select 5 - -3'],
  ['select 1; select 2;', 'select 1; select 2'],
  ["select 'open ;", "select 'open ;"],
  ['/* open', ''],
  [' ; -- nothing', ''],
  ['', ''],
])('makes %j to %j (C-R11)', (sql, stripped) => {
  expect(withoutStatementEnd(sql)).toBe(stripped);
});

it('never throws, gives a beginning of the text, and has nothing left to strip', () => {
  const sql = fc.string({ unit: fc.constantFrom(...'ab1 \'"$;-/*\n\\'.split('')) });
  fc.assert(
    fc.property(sql, (text) => {
      const stripped = withoutStatementEnd(text);
      expect(text.startsWith(stripped)).toBe(true);
      expect(withoutStatementEnd(stripped)).toBe(stripped);
    }),
    { numRuns: 500 },
  );
});
