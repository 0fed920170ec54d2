import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { describeServer, isSameDatabase, openDatabase, sql } from '#db/connect.ts';
import { withDatabaseRetries } from '#db/retry.ts';
import { DatabaseError } from '#model/errors.ts';

import { testDatabase } from './test-database.ts';

import type { Database } from '#db/connect.ts';
import type { Role } from '#model/site.ts';

import type { TestDatabase } from './test-database.ts';

let given: TestDatabase;
let database: Database;

beforeAll(async () => {
  given = await testDatabase();
  database = openDatabase(given.roles.status, { applicationName: 'connect test', max: 3 });
  await database.execute(sql`create table numbers (n int primary key, word text)`);
});

afterAll(async () => {
  await database.close();
  await given.close();
});

async function errorOf(action: Promise<unknown>): Promise<DatabaseError> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DatabaseError) return error;
  throw new Error(`No DatabaseError but ${String(error)}`);
}

describe('a prepared statement', () => {
  it('answers with the values of each call, and is planned once for each connection', async () => {
    await database.transaction(async (session) => {
      const double = (n: number): Promise<readonly { twice: number }[]> =>
        session.query<{ twice: number }>(sql.prepared('double', sql`select ${n}::int * 2 as twice`));
      expect([await double(1), await double(2)]).toEqual([[{ twice: 2 }], [{ twice: 4 }]]);
      const kept = await session.query(sql`select name, parameter_types::text from pg_prepared_statements`);
      expect(kept).toEqual([{ name: 'double', parameter_types: '{integer}' }]);
    });
  });
});

describe('values', () => {
  it('carries them there and back', async () => {
    const at = new Date('2024-06-30T23:59:59.500Z');
    const rows = await database.query(sql`
      select ${7}::int8 as small, 9007199254740993::int8 as large, ${at}::timestamp as bare, ${at}::timestamptz as zoned,
             ${['a', 'b,"c']}::text[] as words, ${{ a: [1] }}::jsonb as json, ${new Uint8Array([0, 255])}::bytea as bytes,
             ${[at]}::timestamp[] as many, 1.50::numeric as exact, '2024-06-30'::date as day, ${null}::int as nothing`);
    expect(rows).toEqual([
      {
        small: 7,
        large: 9007199254740993n,
        bare: at,
        zoned: at,
        words: ['a', 'b,"c'],
        json: { a: [1] },
        bytes: Buffer.from([0, 255]),
        many: [at],
        exact: '1.50',
        day: '2024-06-30',
        nothing: null,
      },
    ]);
  });

  it('talks in UTC', async () => {
    const rows = await database.query(sql`select current_setting('timezone') as zone`);
    expect(rows).toEqual([{ zone: 'UTC' }]);
  });
});

describe('a transaction', () => {
  it('keeps nothing if it fails, and says what went wrong first', async () => {
    const failing = database.transaction(async (session) => {
      await session.execute(sql`insert into numbers values (1, 'one')`);
      await session.execute(sql`insert into numbers values (1, 'again')`);
    });
    const error = await errorOf(failing);
    expect(error).toMatchObject({
      code: 'database-unique',
      facts: { state: '23505', table: 'numbers', constraint: 'numbers_pkey', detail: 'Key (n)=(1) already exists.' },
    });
    expect(await database.query(sql`select * from numbers`)).toEqual([]);
  });

  it('keeps what was done outside of a failed inner one', async () => {
    await database.transaction(async (session) => {
      await session.execute(sql`insert into numbers values (2, 'two')`);
      await errorOf(
        session.transaction(async (inner) => {
          await inner.execute(sql`insert into numbers values (3, 'three')`);
          await inner.execute(sql`select 1 / 0`);
        }),
      );
    });
    expect(await database.query(sql`delete from numbers returning n`)).toEqual([{ n: 2 }]);
  });

  it('refuses to write when read only, and ends what takes too long', async () => {
    const written = database.transaction((session) => session.execute(sql`delete from numbers`), { isReadOnly: true });
    expect((await errorOf(written)).code).toBe('database-read-only');
    const slow = database.transaction((session) => session.query(sql`select pg_sleep(5)`), { statementTimeoutMs: 20 });
    expect((await errorOf(slow)).code).toBe('database-timeout');
    expect(await database.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
  });
});

describe('a session', () => {
  it('reads by cursor in batches, and can be left early', async () => {
    await database.session(async (session) => {
      const sizes: number[] = [];
      for await (const rows of session.cursor(sql`select generate_series(1, ${10}::int) as n`, 4))
        sizes.push(rows.length);
      expect(sizes).toEqual([4, 4, 2]);
      for await (const rows of session.cursor<{ n: number }>(sql`select generate_series(1, 1000000) as n`, 10)) {
        expect(rows[9]?.n).toBe(10);
        break;
      }
      expect(await session.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
    });
  });

  it('reports a broken statement of a cursor as a DatabaseError with the place', async () => {
    await database.session(async (session) => {
      const read = async (): Promise<void> => {
        for await (const rows of session.cursor(sql`select nowhere`, 4)) expect(rows).toEqual([]);
      };
      expect(await errorOf(read())).toMatchObject({ code: 'database-syntax', facts: { state: '42703', position: 8 } });
      expect(await session.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
    });
  });

  it('copies in and out', async () => {
    await database.session(async (session) => {
      const lines = Array.from({ length: 5000 }, (_, n) => `${n}\tword ${n}\n`);
      await pipeline(Readable.from(lines), session.copyIn(sql`copy numbers from stdin`));
      expect(await session.query(sql`select count(*) as n, max(word) as word from numbers`)).toEqual([
        { n: 5000, word: 'word 999' },
      ]);
      expect(await text(session.copyOut(sql`copy (select * from numbers where n < 2 order by n) to stdout`))).toBe(
        '0\tword 0\n1\tword 1\n',
      );
      await session.execute(sql`truncate numbers`);
    });
  });

  it('copies from one database into another', async () => {
    const other = openDatabase(given.roles.daq, { applicationName: 'connect test' });
    await other.session((from) =>
      database.session((to) =>
        pipeline(
          from.copyOut(sql`copy (select n, 'x' from generate_series(1, 20000) n) to stdout`),
          to.copyIn(sql`copy numbers from stdin`),
        ),
      ),
    );
    await other.close();
    expect(await database.execute(sql`delete from numbers`)).toBe(20_000);
  });

  it('reports bad lines and a bad statement of a copy, and continues', async () => {
    await database.session(async (session) => {
      const bad = pipeline(Readable.from(['1\tone\n', 'two\ttwo\n']), session.copyIn(sql`copy numbers from stdin`));
      expect(await errorOf(bad)).toMatchObject({ code: 'database-value', facts: { state: '22P02' } });
      const nowhere = pipeline(Readable.from(['1\n']), session.copyIn(sql`copy nowhere from stdin`));
      expect(await errorOf(nowhere)).toMatchObject({ code: 'database-syntax' });
      expect(await errorOf(text(session.copyOut(sql`copy nowhere to stdout`)))).toMatchObject({
        code: 'database-syntax',
      });
      expect(await session.query(sql`select count(*) as n from numbers`)).toEqual([{ n: 0 }]);
    });
  });

  it('takes its temporary tables along when it ends', async () => {
    const session = await database.openSession();
    await session.execute(sql`create temp table candidate (n int)`);
    await session.close();
    await session.close();
    const rows = await database.session((next) => next.query(sql`select to_regclass('pg_temp.candidate') as found`));
    expect(rows).toEqual([{ found: null }]);
  });

  it('receives notifications', async () => {
    const session = await database.openSession();
    const heard: string[] = [];
    const arrived = new Promise<void>((resolve) => {
      void session.listen('catalog changed', (payload) => {
        heard.push(payload);
        resolve();
      });
    });
    await session.query(sql`select 1`);
    await database.query(sql`select pg_notify('catalog changed', 'DST_EVENT 22026')`);
    await arrived;
    expect(heard).toEqual(['DST_EVENT 22026']);
    await session.close();
  });

  it('runs scripts and returns texts', async () => {
    const results = await database.session((session) =>
      session.script(
        `insert into numbers values (1, null); select n, word, true as yes from numbers; delete from numbers`,
      ),
    );
    expect(
      results.map(({ command, rowCount, columns, rows }) => [command, rowCount, columns.map((c) => c.name), rows]),
    ).toEqual([
      ['INSERT', 1, [], []],
      ['SELECT', 1, ['n', 'word', 'yes'], [['1', null, 't']]],
      ['DELETE', 1, [], []],
    ]);
  });

  it('reports that the server ended the connection, at once and at later use; the pool continues', async () => {
    const session = await database.openSession();
    const [row] = await session.query<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    const lost = new Promise<void>((resolve) => session.onLost(resolve));
    const waiting = errorOf(session.query(sql`select pg_sleep(20)`));
    await database.query(sql`select pg_terminate_backend(${row?.pid ?? 0})`);
    expect((await waiting).code).toBe('database-away');
    await lost;
    expect((await errorOf(session.query(sql`select 1`))).code).toBe('database-away');
    await session.close();
    expect(await database.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
  });
});

describe('a server that is away', () => {
  it('is named, without the secret', async () => {
    const away = openDatabase(
      { role: 'daq', schema: 'public', url: 'postgresql://me:secret@127.0.0.1:1/daq' },
      { applicationName: 'connect test', connectAttempts: 2 },
    );
    const error = await errorOf(away.query(sql`select 1`));
    expect(error.message).toBe("Cannot reach database 'daq' at '127.0.0.1:1/daq': connection refused");
    expect(error.advice).toBe("Check with 'slurp status' whether the database is running");
    await away.close();
  });

  it('is named by its socket directory', () => {
    expect(describeServer('postgresql:///slurp?host=/a%20b/run&user=slurp')).toBe('/a b/run/slurp');
    expect(describeServer('postgresql:///slurp?host=/run&port=5433&user=slurp')).toBe('/run:5433/slurp');
  });
});

describe('isSameDatabase', () => {
  it('compares server, database and user, not schema and secret', () => {
    const { daq, catalog } = given.roles;
    expect(isSameDatabase(daq, catalog)).toBe(true);
    const url = 'postgresql://a:x@h/d';
    expect(isSameDatabase({ ...daq, url }, { ...daq, url: 'postgresql://a:y@h/d' })).toBe(true);
    expect(isSameDatabase({ ...daq, url }, { ...daq, url: 'postgresql://b:x@h/d' })).toBe(false);
    expect(isSameDatabase({ ...daq, url }, { ...daq, url: 'postgresql://a:x@h/e' })).toBe(false);
    const behind = (port: number): Role => ({ ...daq, url: `postgresql:///d?host=/run&port=${port}` });
    expect(isSameDatabase(behind(5432), behind(5433))).toBe(false);
  });
});

describe('retryDatabase', () => {
  const conflict = new DatabaseError('x', { code: 'database-conflict', facts: { state: '40001' } });

  it('retries after listed failures, and logs that once', async () => {
    const said: string[] = [];
    let calls = 0;
    const result = await withDatabaseRetries(
      () => {
        calls += 1;
        return calls < 3 ? Promise.reject(conflict) : Promise.resolve('done');
      },
      { say: (message) => said.push(message) },
    );
    expect([result, calls, said]).toEqual(['done', 3, ['x; retrying']]);
  });

  it('gives up after the last try, and at once for anything else', async () => {
    let calls = 0;
    const count = (error: Error) => (): Promise<never> => {
      calls += 1;
      return Promise.reject(error);
    };
    await expect(withDatabaseRetries(count(conflict), { attempts: 2 })).rejects.toBe(conflict);
    await expect(withDatabaseRetries(count(new TypeError('y')))).rejects.toThrow('y');
    expect(calls).toBe(3);
  });
});
