import { afterAll, beforeAll, expect, it } from 'vitest';

import { columnsScript } from '#db/list-columns.ts';
import { runScript } from '#db/run-script.ts';

import { testDatabase } from './test-database.ts';

import type { TestDatabase } from './test-database.ts';

let given: TestDatabase;

beforeAll(async () => {
  given = await testDatabase();
});

afterAll(async () => {
  await given.close();
});

const insert = "insert into production_cursor values (default, 'DST_EVENT', 'new', 'tag', 0, 7)";

it('runs statements in the schema of the role, all of them or none', async () => {
  const { status } = given.roles;
  await expect(runScript(status, `${insert}; select nowhere`, { isWriting: true })).rejects.toMatchObject({
    code: 'database-syntax',
  });
  const results = await runScript(status, `${insert}; select lastrun from production_cursor`, { isWriting: true });
  expect(results.map(({ command, rows }) => [command, rows])).toEqual([
    ['INSERT', []],
    ['SELECT', [['7']]],
  ]);
});

it('names the tables that list tables and columns, which work', async () => {
  const { status } = given.roles;
  for (const text of ['select * from nowhere', 'select nothing from production_cursor']) {
    await expect(runScript(status, text, { isWriting: false })).rejects.toMatchObject({
      advice: "'slurp db sql status' lists its tables and columns",
    });
  }
  const [columns] = await runScript(status, columnsScript, { isWriting: false });
  expect(columns?.rows.filter(([table]) => table === 'production_cursor')).toEqual([
    ['production_cursor', 'id', 'integer', 't'],
    ['production_cursor', 'dsttype', 'text', 't'],
    ['production_cursor', 'build', 'text', 't'],
    ['production_cursor', 'tag', 'text', 't'],
    ['production_cursor', 'version', 'integer', 't'],
    ['production_cursor', 'lastrun', 'integer', 't'],
  ]);
});

it('changes nothing unless it is allowed to', async () => {
  const { status } = given.roles;
  await expect(runScript(status, 'delete from production_cursor', { isWriting: false })).rejects.toMatchObject({
    code: 'database-read-only',
    advice: "Add '--write' to allow changes",
  });
  expect((await runScript(status, 'table production_cursor', { isWriting: false }))[0]?.rowCount).toBe(1);
});
