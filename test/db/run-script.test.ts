import { afterAll, beforeAll, expect, it } from 'vitest';

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

it('runs statements in the schema of the role, all or none', async () => {
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

it('changes nothing unless it may', async () => {
  const { status } = given.roles;
  await expect(runScript(status, 'delete from production_cursor', { isWriting: false })).rejects.toMatchObject({
    code: 'database-read-only',
    advice: "Add '--write' if you mean it",
  });
  expect((await runScript(status, 'table production_cursor', { isWriting: false }))[0]?.rowCount).toBe(1);
});
