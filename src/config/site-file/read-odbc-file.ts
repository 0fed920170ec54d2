import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { findNearestWord } from '#util/text/find-nearest-word.ts';

/** One section of an `odbc.ini`: keys in lower case. */
type DataSource = ReadonlyMap<string, string>;

/** What drivers call the same thing, the usual name first. */
const keys = {
  host: ['servername', 'server', 'host'],
  port: ['port'],
  database: ['database', 'dbname'],
  user: ['username', 'uid', 'user'],
  password: ['password', 'pwd'],
  sslmode: ['sslmode'],
} as const;

/**
 * Finds the `odbc.ini` that a site means: the one that its file names, else where unixODBC looks: `$ODBCINI`,
 * `~/.odbc.ini`, `/etc/odbc.ini`.
 *
 * @param named the path in the site file, relative to `directory`
 * @returns an absolute path, which need not exist
 */
export function findOdbcFile(
  named: string | undefined,
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (named !== undefined) return resolve(directory, named);
  const given = env['ODBCINI'];
  if (given !== undefined && given !== '') return resolve(given);
  const own = join(env['HOME'] ?? homedir(), '.odbc.ini');
  return existsSync(own) ? own : '/etc/odbc.ini';
}

/**
 * Reads the address of a data source (DSN) from an `odbc.ini`.
 *
 * @param user instead of the data source's own
 * @returns a `postgresql://` address, with the password that stands there
 * @throws SiteError where the file cannot be read, has no such data source, or that one names no server or database;
 * where a password stands in it, and its owner (who is running this) lets others read it
 */
export async function readOdbcAddress(file: string, name: string, user?: string): Promise<URL> {
  const sources = parseOdbcFile(await readText(file, name));
  const source = sources.get(name);
  if (source === undefined) {
    const meant = findNearestWord(name, [...sources.keys()]);
    throw new SiteError(`Data source '${name}' does not exist in '${file}'`, {
      code: 'site-odbc-unknown',
      advice: meant === undefined ? `It has: ${[...sources.keys()].join(', ')}` : `Did you mean '${meant}'?`,
    });
  }
  const value = (what: keyof typeof keys): string | undefined =>
    keys[what].map((key) => source.get(key)).find((text) => text !== undefined && text !== '');
  const missing = (['host', 'database'] as const).filter((what) => value(what) === undefined);
  if (missing.length > 0) {
    throw new SiteError(`The data source '${name}' in '${file}' does not describe a reachable PostgreSQL database`, {
      code: 'site-odbc-incomplete',
      complaints: missing.map((what) => `'${keys[what][0]}' is missing`),
    });
  }
  const password = value('password');
  if (password !== undefined) checkClosed(file);
  return makeAddress({
    host: value('host') ?? '',
    port: value('port'),
    database: value('database') ?? '',
    user: user ?? value('user'),
    password,
    sslmode: value('sslmode'),
  });
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new SiteError(`The file '${file}', which should contain the data source '${name}', cannot be read`, {
      code: 'site-odbc-unreadable',
      cause,
      advice: "Set 'odbc: PATH' in the site file, or ODBCINI in the environment",
    });
  }
}

/**
 * Takes an `odbc.ini` apart as unixODBC does: a comment is a line that begins with `;` or `#`. Within a value these are
 * no comments, unlike in other ini files: passwords have them.
 */
function parseOdbcFile(text: string): ReadonlyMap<string, DataSource> {
  const sources = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of text.split(/\r?\n/u).map((words) => words.trim())) {
    const section = /^\[([^\]]*)\]$/u.exec(line)?.[1]?.trim();
    const split = line.indexOf('=');
    if (section !== undefined) {
      current = sources.get(section) ?? new Map<string, string>();
      sources.set(section, current);
    } else if (split > 0 && !/^[;#]/u.test(line)) {
      current.set(line.slice(0, split).trim().toLowerCase(), line.slice(split + 1).trim());
    }
  }
  // The list of all data sources, in which they are described.
  sources.delete('ODBC Data Sources');
  sources.delete('ODBC');
  return sources;
}

/** The file of another user, such as that of a whole site in /etc, is for its owner to close. */
function checkClosed(file: string): void {
  const { mode, uid } = statSync(file);
  if ((mode & 0o077) === 0 || uid !== process.getuid?.()) return;
  throw new SiteError(`'${file}' contains a password and can be read by other users`, {
    code: 'site-secret-open',
    advice: `chmod 600 '${file}'`,
  });
}

interface AddressParts {
  readonly host: string;
  readonly port: string | undefined;
  readonly database: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly sslmode: string | undefined;
}

function makeAddress({ host, port, database, user, password, sslmode }: AddressParts): URL {
  const url = new URL('postgresql://host/');
  url.pathname = `/${encodeURIComponent(database)}`;
  if (host.startsWith('/')) {
    // A directory of unix sockets: it has no place for a user and a password.
    const socket = new URL(`postgresql:///${encodeURIComponent(database)}`);
    for (const [key, value] of Object.entries({ host, port, user, password, sslmode })) {
      if (value !== undefined) socket.searchParams.set(key, value);
    }
    return socket;
  }
  url.hostname = host;
  if (port !== undefined) url.port = port;
  if (user !== undefined) url.username = encodeURIComponent(user);
  if (password !== undefined) url.password = encodeURIComponent(password);
  if (sslmode !== undefined) url.searchParams.set('sslmode', sslmode);
  return url;
}
