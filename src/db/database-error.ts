import { DatabaseError } from '#model/errors.ts';
import { present } from '#util/present.ts';

import type { ErrorFacts } from '#model/errors.ts';

/** Where a failing statement was sent, for messages: never holds a secret. */
export interface DatabasePlace {
  readonly role: string;
  /** Host or socket directory, and database, e.g. `db1/Production`. */
  readonly server: string;
}

const socketCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOENT: 'the socket does not exist',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the host name cannot be resolved at the moment',
  EACCES: 'permission denied for this user',
};

/** Codes of ours by SQLSTATE, most special first; the first prefix that fits counts. */
const codesByState: readonly (readonly [prefix: string, code: string])[] = [
  ['08', 'database-away'],
  ['57P', 'database-away'],
  ['57014', 'database-timeout'],
  ['28', 'database-refused'],
  ['3D000', 'database-refused'],
  ['42501', 'database-refused'],
  ['53300', 'database-busy'],
  ['53', 'database-full'],
  ['58', 'database-full'],
  ['23505', 'database-unique'],
  ['23', 'database-constraint'],
  ['25006', 'database-read-only'],
  ['40', 'database-conflict'],
  ['55P03', 'database-conflict'],
  ['42', 'database-syntax'],
  ['22', 'database-value'],
];

const advices: Readonly<Record<string, string>> = {
  'database-away': "Check with 'slurp status' whether the database is running",
  'database-refused': 'Check user, password, database name and rights of this role in the site file',
  'database-full': "Free space on the server's disk, then try again",
  'database-busy': 'Try again later, or raise max_connections on the server',
};

/** SQLSTATEs of tables, columns and functions that are not there; in statements of ours that is a database of long ago. */
const unknownNames: readonly (string | undefined)[] = ['42P01', '42703', '42883'];
const migrateAdvice = "If an older SLURP made these tables, 'slurp db migrate' brings them up to date";

/** Returns whether an error is about a table, column or function that is not there. */
export function isUnknownName(error: unknown): boolean {
  return unknownNames.includes(stateOf(error));
}

function textFieldOf(error: object, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Tells the SQLSTATE (5 characters) or socket code (`ECONNREFUSED`, …) of an error, also of one that was mapped. */
export function stateOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError) {
    return typeof error.facts['state'] === 'string' ? error.facts['state'] : undefined;
  }
  if (!(error instanceof Error)) return undefined;
  const code = textFieldOf(error, 'code');
  if (code !== undefined) return code;
  // The driver's own words for a connection that ended, which carry no code.
  if (
    /Connection terminated|connection timeout|timeout expired|Client has encountered a connection error/i.test(
      error.message,
    )
  ) {
    return 'ECONNRESET';
  }
  if (error instanceof AggregateError) return stateOf(error.errors[0]);
  return undefined;
}

/**
 * Makes a {@link DatabaseError} of whatever the driver threw; one of ours passes unchanged.
 *
 * Facts: `state` (SQLSTATE or socket code), `detail`, `hint`, `position` (from 1, in the statement's text), `table`,
 * `constraint`, `role`, `server`. Codes: `database-away`, `-timeout`, `-refused`, `-busy`, `-full`, `-unique`,
 * `-constraint`, `-read-only`, `-conflict`, `-syntax`, `-value`, else `database-error`.
 */
export function toDatabaseError(error: unknown, place: DatabasePlace): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const said = error instanceof Error ? error : new Error(String(error));
  const state = stateOf(said);
  const where = `database '${place.role}' at '${place.server}'`;
  const socket = state === undefined ? undefined : socketCodes[state];
  const position = Number(textFieldOf(said, 'position'));
  const facts: ErrorFacts = {
    state,
    detail: textFieldOf(said, 'detail'),
    hint: textFieldOf(said, 'hint'),
    position: Number.isNaN(position) ? undefined : position,
    table: textFieldOf(said, 'table'),
    constraint: textFieldOf(said, 'constraint'),
    role: place.role,
    server: place.server,
  };
  const code =
    socket === undefined
      ? (codesByState.find(([prefix]) => state?.startsWith(prefix) === true)?.[1] ?? 'database-error')
      : 'database-away';
  const advice = advices[code] ?? (unknownNames.includes(state) ? migrateAdvice : undefined);
  const message =
    socket === undefined
      ? `${where.charAt(0).toUpperCase()}${where.slice(1)} says: ${said.message}`
      : `Cannot reach ${where}: ${socket}`;
  return new DatabaseError(message, { code, facts, cause: error, ...present({ advice }) });
}
