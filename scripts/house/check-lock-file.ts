import * as z from 'zod';

const lockFile = z.object({
  packages: z.record(z.string(), z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() })),
});

/**
 * Every package that is there for other platforms alone stands in the lock file too: `npm ci` refuses a lock file
 * without it, and `npm install` leaves it out where the registry does not know it.
 *
 * @see docs/decisions/lock-file.md
 */
export function checkLockFile(text: string): readonly string[] {
  const { packages } = lockFile.parse(JSON.parse(text));
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(
        (name) => path !== '' && !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
      )
      .map((name) => `package-lock.json: '${name}', wanted by '${path}', is not in it: npm ci will refuse it`),
  );
}
