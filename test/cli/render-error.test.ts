import { expect, it } from 'vitest';

import { renderError, withoutSecrets } from '#cli/render-error.ts';
import { DatabaseError, RuleError, UsageError } from '#model/errors.ts';

it('shows message, every complaint, and the advice', () => {
  const error = new RuleError("Rule 'DST_X' has 2 mistakes", {
    code: 'rule-check',
    complaints: ["x.yaml:3:5: Missing 'params.name': expected a text", "x.yaml:9:1: Unknown role 'foo'"],
    advice: 'Fix them and call again',
  });
  expect(renderError(error, 'kaedama')).toMatchInlineSnapshot(`
    "kaedama: Rule 'DST_X' has 2 mistakes
      x.yaml:3:5: Missing 'params.name': expected a text
      x.yaml:9:1: Unknown role 'foo'
      Fix them and call again
    "
  `);
});

it('shows each cause that says something new, once', () => {
  const socket = new Error('connect ECONNREFUSED');
  const driver = new Error('Connection failed: connect ECONNREFUSED', { cause: socket });
  const error = new DatabaseError("Database 'status' does not answer", { code: 'database-unreachable', cause: driver });
  expect(renderError(error, 'slurp')).toMatchInlineSnapshot(`
    "slurp: Database 'status' does not answer
      because: Connection failed: connect ECONNREFUSED
    "
  `);
});

it('shows code, facts and stacks only when asked', () => {
  const error = new UsageError('Odd', { code: 'usage-odd', facts: { option: '--runs', count: 3, absent: undefined } });
  expect(renderError(error, 'cups')).toBe('cups: Odd\n');
  const text = renderError(error, 'cups', true);
  expect(text).toContain('UsageError (usage-odd)\n     option = --runs\n     count = 3\n');
  expect(text).toContain('render-error.test.ts');
});

it('reports a bug in SLURP as one', () => {
  expect(renderError(new TypeError('x is not a function'), 'cups')).toMatchInlineSnapshot(`
    "cups: Internal error: x is not a function
      This is a bug in SLURP: please report it with the output of '--debug'
    "
  `);
});

it('reports in plain words what the operating system refused', () => {
  const error = Object.assign(new Error('EACCES: permission denied, open'), {
    code: 'EACCES',
    errno: -13,
    path: '/x/y',
  });
  expect(renderError(error, 'cups')).toBe("cups: Permission denied: '/x/y'\n");
});

it.each([
  ['postgresql://slurp:geheim@host/db', 'postgresql://slurp:***@host/db'],
  ['postgresql://slurp@host/db', 'postgresql://slurp@host/db'],
  ['no address: a:b@c', 'no address: a:b@c'],
])('masks passwords: %s', (text, masked) => {
  expect(withoutSecrets(text)).toBe(masked);
});
