import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import Cursor from 'pg-cursor';

import { pauseMsOf } from '#util/pause-ms.ts';
import { present } from '#util/present.ts';

import { stateOf, toDatabaseError } from './database-error.ts';
import { isRetryable } from './retry.ts';
import { sql } from './sql.ts';

import type { Readable, Writable } from 'node:stream';

import type { Role } from '#model/site.ts';

import type { DatabasePlace } from './database-error.ts';
import type { Database, OpenSession, Row, ScriptResult, Session, TransactionOptions } from './database.ts';
import type { SqlValue, Statement } from './sql.ts';

export { sql } from './sql.ts';
export type { Database, OpenSession, Queryable, ScriptResult, Session } from './database.ts';
export type { Statement } from './sql.ts';

/** The options of a pool of connections to one database. */
export interface DatabaseOptions {
  /** Shown by the server in `pg_stat_activity`, e.g. `kaedama`. */
  readonly applicationName: string;
  /** Connections at most; 4 by default. */
  readonly max?: number;
  /** Tries to connect to a server that is away or just starting; 4 by default (about 2 s). */
  readonly connectAttempts?: number;
  /** The server refuses every statement that would change something. */
  readonly isReadOnly?: boolean;
}

/** A server that says it is just starting, or recovering, is waited for this long. */
const startingTimeoutMs = 30_000;
const cannotConnectNow = '57P03';

const parseTimestamp = (text: string): Date | string =>
  text === 'infinity' || text === '-infinity' ? text : new Date(`${text.replace(' ', 'T')}Z`);

const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text))],
  [pg.types.builtins.TIMESTAMP, parseTimestamp],
  [pg.types.builtins.DATE, (text) => text],
]);

const types: pg.CustomTypesConfig = {
  getTypeParser: (typeId: number, format?: 'text' | 'binary') =>
    parsers.get(typeId) ?? pg.types.getTypeParser(typeId, format ?? 'text'),
};

const textTypes: pg.CustomTypesConfig = { getTypeParser: () => (text: string) => text };

// The driver would write a Date in the local zone, which a column without zone then takes at its face.
function encodeValue(value: SqlValue): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item: SqlValue) => encodeValue(item));
  if (value instanceof Uint8Array) return Buffer.from(value);
  return value;
}

function placeOf(role: Role): DatabasePlace {
  return { role: role.role, server: describeServer(role.url) };
}

/** Host (or socket directory), port if it is given, and database of an address, without user and secret: `db1:5433/Production`. */
export function describeServer(url: string): string {
  if (!URL.canParse(url)) return 'an address that cannot be read';
  const { searchParams, hostname, port, pathname } = new URL(url);
  const host = searchParams.get('host') ?? (hostname === '' ? 'localhost' : hostname);
  const shownPort = searchParams.get('port') ?? port;
  return `${host}${shownPort === '' ? '' : `:${shownPort}`}/${decodeURIComponent(pathname.slice(1))}`;
}

/** Returns whether two roles reach the same database as the same user, so that one statement can use both. */
export function isSameDatabase(one: Role, other: Role): boolean {
  const user = (role: Role): string => {
    const parsed = new URL(role.url);
    return parsed.searchParams.get('user') ?? parsed.username;
  };
  return describeServer(one.url) === describeServer(other.url) && user(one) === user(other);
}

/**
 * Opens a bare pool of the driver: for the migrator alone, everybody else takes {@link openDatabase}.
 * A connection is in UTC, and the server notices within 2 s when we are gone, so no query outlives its command.
 */
export function openPool(role: Role, options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: role.url,
    application_name: options.applicationName,
    max: options.max ?? 4,
    allowExitOnIdle: true,
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    // Else a server that vanished while it was asked (its machine, a firewall on the way) would be waited for for ever.
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    types,
    // The driver's own declaration says void; the pool waits for the promise.
    onConnect: async (client: pg.ClientBase): Promise<void> => {
      await client.query(
        `select set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO, YMD', false),
                set_config('client_connection_check_interval', '2000', false),
                set_config('default_transaction_read_only', '${options.isReadOnly === true ? 'on' : 'off'}', false)`,
      );
    },
  });
  // A connection that dies idle is replaced at its next use, which also reports if that fails.
  pool.on('error', () => undefined);
  return pool;
}

async function openClient(pool: pg.Pool, place: DatabasePlace, attempts: number): Promise<pg.PoolClient> {
  const end = performance.now() + startingTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.connect();
    } catch (error) {
      const isStarting = stateOf(error) === cannotConnectNow && performance.now() < end;
      if (!isStarting && (attempt >= attempts || !isRetryable(error))) throw toDatabaseError(error, place);
      await sleep(pauseMsOf(attempt, { firstMs: 250, mostMs: 1000 }));
    }
  }
}

function beginTextOf(options: TransactionOptions): string {
  const isolation = options.isolation === undefined ? '' : ` isolation level ${options.isolation}`;
  const access = options.isReadOnly === true ? ' read only' : '';
  const timeout =
    options.statementTimeoutMs === undefined
      ? ''
      : `; set local statement_timeout = ${Math.max(1, Math.round(options.statementTimeoutMs))}`;
  return `begin${isolation}${access}${timeout}`;
}

// A resource with a life: one connection out of the pool.
class ConnectedSession implements OpenSession {
  readonly role: Role;
  readonly #client: pg.PoolClient;
  readonly #place: DatabasePlace;
  #depth = 0;
  #lost: Error | undefined;
  #isClosed = false;
  readonly #isKept: boolean;
  #reportLost: (() => void) | undefined;

  /** `isKept`: the connection goes back to the pool at the end, else it is ended with its temporary tables. */
  constructor(client: pg.PoolClient, role: Role, isKept: boolean) {
    this.#client = client;
    this.role = role;
    this.#isKept = isKept;
    this.#place = placeOf(role);
    client.on('error', this.#noteLost);
  }

  // Without a listener a lost connection would end the process; the statement under way is refused by the driver.
  readonly #noteLost = (error: Error): void => {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#reportLost?.();
  };

  async #ask<T>(action: () => Promise<T>): Promise<T> {
    if (this.#lost !== undefined) throw toDatabaseError(this.#lost, this.#place);
    try {
      return await action();
    } catch (error) {
      throw toDatabaseError(error, this.#place);
    }
  }

  async query<T extends object = Row>(statement: Statement): Promise<readonly T[]> {
    const { text, name } = statement;
    const values = statement.values.map(encodeValue);
    const result = await this.#ask(() => this.#client.query<T>({ text, values, ...present({ name }) }));
    return result.rows;
  }

  async execute(statement: Statement): Promise<number> {
    const result = await this.#ask(() => this.#client.query(statement.text, statement.values.map(encodeValue)));
    return result.rowCount ?? 0;
  }

  async script(text: string): Promise<readonly ScriptResult[]> {
    const answer: pg.QueryArrayResult<(string | null)[]> | pg.QueryArrayResult<(string | null)[]>[] = await this.#ask(
      () => this.#client.query<(string | null)[]>({ text, rowMode: 'array', types: textTypes }),
    );
    return [answer].flat().map((result) => ({
      command: result.command,
      rowCount: result.rowCount ?? 0,
      columns: result.fields.map((field) => ({ name: field.name, typeId: field.dataTypeID })),
      rows: result.rows,
    }));
  }

  async transaction<T>(action: (session: Session) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const name = `nested_${this.#depth}`;
    const [begin, commit, rollback] =
      this.#depth === 0
        ? [beginTextOf(options), 'commit', 'rollback']
        : [`savepoint ${name}`, `release savepoint ${name}`, `rollback to savepoint ${name}`];
    await this.#ask(() => this.#client.query(begin));
    this.#depth += 1;
    try {
      const result = await action(this);
      await this.#ask(() => this.#client.query(commit));
      return result;
    } catch (error) {
      // What went wrong first is what the caller hears; a connection that cannot roll back is closed by its owner.
      if (this.#lost === undefined) await this.#client.query(rollback).catch(this.#noteLost);
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  async *cursor<T extends object = Row>(statement: Statement, batchSize: number): AsyncGenerator<readonly T[]> {
    const cursor = this.#client.query(new Cursor<T>(statement.text, statement.values.map(encodeValue), { types }));
    const read = (): Promise<T[]> => this.#ask(() => cursor.read(batchSize));
    // The server works on the next batch while the reader is at this one.
    let next = read();
    try {
      for (;;) {
        const rows = await next;
        const isLast = rows.length < batchSize;
        if (!isLast) {
          next = read();
          // If it fails, that is reported when its turn comes.
          next.catch(() => undefined);
        }
        if (rows.length > 0) yield rows;
        if (isLast) return;
      }
    } finally {
      await next.catch(() => undefined);
      if (this.#lost === undefined) await cursor.close();
    }
  }

  copyIn(statement: Statement): Writable {
    return this.#mapErrors(this.#client.query(copyFrom(statement.text)));
  }

  copyOut(statement: Statement): Readable {
    return this.#mapErrors(this.#client.query(copyTo(statement.text)));
  }

  // The driver emits its own errors on the stream; listeners should get ours.
  #mapErrors<S extends Readable | Writable>(stream: S): S {
    const emit = stream.emit.bind(stream);
    stream.emit = (event: string | symbol, ...rest: unknown[]): boolean =>
      event === 'error' ? emit(event, toDatabaseError(rest[0], this.#place)) : emit(event, ...rest);
    return stream;
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    const take = (message: pg.Notification): void => {
      if (message.channel === channel) onNotify(message.payload ?? '');
    };
    this.#client.on('notification', take);
    await this.execute(sql`listen ${sql.identifier(channel)}`);
    return async () => {
      this.#client.off('notification', take);
      await this.execute(sql`unlisten ${sql.identifier(channel)}`);
    };
  }

  onLost(report: () => void): void {
    this.#reportLost = report;
    if (this.#lost !== undefined) report();
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    const isClean = this.#isKept && this.#lost === undefined && this.#client.getTransactionStatus() === 'I';
    this.#client.release(!isClean);
    // A connection that is being ended may still report an error: the listener stays there.
    if (isClean) this.#client.off('error', this.#noteLost);
    return Promise.resolve();
  }
}

class PooledDatabase implements Database {
  readonly role: Role;
  readonly #pool: pg.Pool;
  readonly #place: DatabasePlace;
  readonly #connectAttempts: number;
  #closing: Promise<void> | undefined;

  constructor(role: Role, options: DatabaseOptions) {
    this.role = role;
    this.#pool = openPool(role, options);
    this.#place = placeOf(role);
    this.#connectAttempts = options.connectAttempts ?? 4;
  }

  async #open(isKept: boolean): Promise<OpenSession> {
    return new ConnectedSession(await openClient(this.#pool, this.#place, this.#connectAttempts), this.role, isKept);
  }

  async #use<T>(isKept: boolean, action: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#open(isKept);
    try {
      return await action(session);
    } finally {
      await session.close();
    }
  }

  query<T extends object = Row>(statement: Statement): Promise<readonly T[]> {
    return this.#use(true, (session) => session.query<T>(statement));
  }

  execute(statement: Statement): Promise<number> {
    return this.#use(true, (session) => session.execute(statement));
  }

  transaction<T>(action: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#use(true, (session) => session.transaction(action, options));
  }

  session<T>(action: (session: Session) => Promise<T>): Promise<T> {
    return this.#use(false, action);
  }

  openSession(): Promise<OpenSession> {
    return this.#open(false);
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    return this.#closing;
  }
}

/** Opens a database; connects at the first use, so this itself never fails on a server that is away. */
export function openDatabase(role: Role, options: DatabaseOptions): Database {
  return new PooledDatabase(role, options);
}
