import type { KnipConfig } from 'knip';

/**
 * `npm run dead` looks twice. First at everything: files, exports and packages that nothing uses. Then, with
 * `--production`, at what ships and makes what ships (paths with `!`) without the tests: an export that only tests reach is
 * dead, unless its own file uses it too.
 *
 * Members of interfaces are not looked at. These wait for their callers: `hold` and `release` of the batch contract (the
 * operator's commands), `lastRun`, `iteration` and raw files of `parseFileName` (`pull`).
 */
const config: KnipConfig = {
  entry: [
    'src/commands/{kaedama,ramenya,cups,pull,bachi,slurp}.ts!',
    'scripts/*.ts!',
    'scripts/demo/main.ts!',
    'bench/*.ts',
    'test/**/*.test.ts',
    'test/**/*-process.ts',
    'test/torture/main.ts',
    'test/campaign/main.ts',
  ],
  project: ['src/**/*.ts!', 'scripts/**/*.ts!', 'bench/**/*.ts', 'test/**/*.ts'],
  ignoreExportsUsedInFile: process.argv.includes('--production') || { interface: true, type: true },
};

export default config;
