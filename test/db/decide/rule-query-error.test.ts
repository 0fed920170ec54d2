import { describe, expect, it } from 'vitest';

import { sql } from '#db/connect.ts';
import { toDatabaseError } from '#db/database-error.ts';
import { toRuleError } from '#db/decide/rule-query-error.ts';

import { makeRequest } from './world.ts';

const query = 'select no_such from filelist';
const statement = sql`select a.final_state from (${sql.verbatim(query)}) q left join attempts a on true`;

function errorAt(word: string, code = '42703') {
  const position = String(statement.text.indexOf(word) + 1);
  const said = Object.assign(new Error(`column "${word}" does not exist`), { code, position });
  return toRuleError(toDatabaseError(said, { role: 'status', server: 'db/slurp' }), statement, makeRequest({ query }));
}

describe('an error of a statement that holds the query of a rule', () => {
  it('is the fault of the query where it points into it', () => {
    expect(errorAt('no_such')).toMatchObject({ kind: 'rule', facts: { queryLine: 1, queryColumn: 8 } });
  });

  it('is one of our tables where a name around it is not there, and says how to fix that', () => {
    expect(errorAt('a.final_state')).toMatchObject({
      kind: 'database',
      advice: expect.stringContaining('slurp db migrate'),
    });
  });

  it('is the fault of the query where anything else is wrong around it', () => {
    expect(errorAt('a.final_state', '42804')).toMatchObject({ kind: 'rule' });
  });
});
