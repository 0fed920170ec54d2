import { SiteError } from '#model/errors.ts';

import { embeddedUrlOf } from '../site-directories.ts';
import { findOdbcFile, readOdbcAddress } from './read-odbc-file.ts';
import { readSecretFile } from './read-site-file.ts';

import type { Role, RoleName } from '#model/site.ts';

import type { HiddenText, SiteDatabase } from './site-schema.ts';

/** What a role's words are read against. */
export interface RoleContext {
  /** Absolute: the site's directory. */
  readonly directory: string;
  /** Absolute; absent for a site without one. */
  readonly siteFile: string | undefined;
  readonly stateDirectory: string;
  /** The site's own word for its `odbc.ini`. */
  readonly odbc: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Makes the database roles from the site file, and reads their secrets from the places it names.
 *
 * @throws SiteError for secrets and data sources that are missing or open to others, and addresses that are none: that
 * of one role as it is, those of several as complaints
 * @see docs/site.md
 */
export async function makeRoles(
  given: Readonly<Record<RoleName, SiteDatabase>>,
  context: RoleContext,
): Promise<Record<RoleName, Role>> {
  const errors = new Map<RoleName, SiteError>();
  const make = async (role: RoleName): Promise<Role> => {
    try {
      return await makeRole(role, given[role], context);
    } catch (error) {
      if (!(error instanceof SiteError)) throw error;
      errors.set(role, error);
      return { role, url: '', schema: '' };
    }
  };
  // In order, so that the complaints are.
  const roles = {
    daq: await make('daq'),
    raw: await make('raw'),
    catalog: await make('catalog'),
    status: await make('status'),
  };
  const [first, second] = errors.values();
  if (first === undefined) return roles;
  if (second === undefined) throw first;
  throw new SiteError(`${errors.size} databases in the site file have invalid settings`, {
    code: 'site-databases',
    complaints: [...errors].map(([role, { message, complaints, advice }]) =>
      [`${role}: ${message}`, ...complaints, ...(advice === undefined ? [] : [advice])].join('; '),
    ),
  });
}

async function makeRole(role: RoleName, given: SiteDatabase, context: RoleContext): Promise<Role> {
  if (given === 'embedded') return { role, url: embeddedUrlOf(context.stateDirectory), schema: role };
  if (typeof given === 'string') return { role, url: given, schema: 'public' };
  const url = await addressOf(role, given, context);
  if (given.password !== undefined) {
    const password = await readHidden(given.password, context, `The password of '${role}'`);
    // An address without a host has no room for it before the '@'.
    if (url.host === '') url.searchParams.set('password', password);
    else url.password = encodeURIComponent(password);
  }
  return { role, url: url.href, schema: given.schema ?? 'public' };
}

async function addressOf(role: RoleName, given: Exclude<SiteDatabase, string>, context: RoleContext): Promise<URL> {
  const { odbc, directory, env } = context;
  if ('dsn' in given) return readOdbcAddress(findOdbcFile(odbc, directory, env), given.dsn, given.user);
  const text = await readHidden(given.url, context, `The address of '${role}'`);
  if (!URL.canParse(text) || !/^postgres(?:ql)?:/.test(text)) {
    throw new SiteError(`The address of '${role}' is not valid: expected 'postgresql://USER@HOST/DATABASE'`, {
      code: 'site-address',
    });
  }
  return new URL(text);
}

async function readHidden(hidden: HiddenText, context: RoleContext, what: string): Promise<string> {
  if (typeof hidden === 'string') return hidden;
  const { siteFile, directory, env } = context;
  if ('file' in hidden) return readSecretFile(siteFile ?? directory, hidden.file);
  const text = env[hidden.env];
  if (text !== undefined && text !== '') return text;
  throw new SiteError(`${what} comes from the environment variable '${hidden.env}', which is not set`, {
    code: 'site-secret-unset',
    advice: `Set '${hidden.env}', or use a file: {file: PATH}`,
  });
}
