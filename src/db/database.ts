import type { Readable, Writable } from 'node:stream';

import type { Role } from '#model/site.ts';

import type { Statement } from './sql.ts';

/** What the caller says a row looks like: nothing checks it, so only for statements of our own. */
export type Row = Readonly<Record<string, unknown>>;

/** The options of one transaction; `statementTimeoutMs` is in ms and bounds each statement, absent: no limit. */
export interface TransactionOptions {
  readonly isReadOnly?: boolean;
  /** `read committed` by default. */
  readonly isolation?: 'repeatable read' | 'serializable';
  readonly statementTimeoutMs?: number;
}

/** The outcome of one statement of a script: texts exactly as the server prints them. */
export interface ScriptResult {
  /** E.g. `SELECT`, `UPDATE`. */
  readonly command: string;
  readonly rowCount: number;
  /** Empty for a statement that returns no rows. */
  readonly columns: readonly { readonly name: string; readonly typeId: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** What can be asked of a pool or of one connection. */
export interface Queryable {
  readonly role: Role;
  /**
   * Rows of one statement. `bigint` comes as number where exact, as bigint elsewhere; timestamps as Date (those
   * without zone are read as UTC); json parsed; numeric as text.
   *
   * @throws DatabaseError
   */
  query<T extends object = Row>(statement: Statement): Promise<readonly T[]>;
  /**
   * Runs one statement and returns how many rows it changed.
   *
   * @throws DatabaseError
   */
  execute(statement: Statement): Promise<number>;
  /**
   * Runs `action` between BEGIN and COMMIT; ROLLBACK if it throws. Within a transaction of the same session: a savepoint.
   * It is tried once: see `withDatabaseRetries` for more.
   *
   * @throws DatabaseError, or what `action` threw
   */
  transaction<T>(action: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

/** One connection: temporary tables, cursors, COPY and LISTEN live here. Time zone is UTC. */
export interface Session extends Queryable {
  /** Batches of at most `batchSize` rows, never an empty one; closed when the loop is left. One cursor at a time. */
  cursor<T extends object = Row>(statement: Statement, batchSize: number): AsyncIterable<readonly T[]>;
  /** `COPY … FROM STDIN`: takes text of COPY's format; `finish` means that the server has it all. Carries no parameters. */
  copyIn(statement: Statement): Writable;
  /** `COPY … TO STDOUT`, not decoded. */
  copyOut(statement: Statement): Readable;
  /** Calls `onNotify` for each notification; returns the way to stop. Lasts as long as the session. */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>>;
  /** Runs a text of several statements in one go, as one transaction of its own unless one is open. No parameters. */
  script(text: string): Promise<readonly ScriptResult[]>;
}

/** A session of its own connection, with its own temporary tables; its opener must close it. */
export interface OpenSession extends Session {
  /** Rolls back what is open and gives the connection back; twice does no harm. */
  close(): Promise<void>;
  /** Called once if the server or the network ends the connection. */
  onLost(report: () => void): void;
}

/** A pool of connections to one role. Idle connections do not keep the process alive. */
export interface Database extends Queryable {
  /** A session for as long as `action` runs. */
  session<T>(action: (session: Session) => Promise<T>): Promise<T>;
  openSession(): Promise<OpenSession>;
  /** Ends all connections, waiting for those in use. */
  close(): Promise<void>;
}
