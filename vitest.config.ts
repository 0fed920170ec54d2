import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need HTCondor: scripts/test-pool.sh runs them.
    exclude: [...configDefaults.exclude, 'test/**/*.pool.test.ts'],
    globalSetup: ['test/setup/leave-nothing.ts', 'test/setup/build-commands.ts', 'test/global-setup.ts'],
    setupFiles: ['test/setup/fail-on-print.ts'],
    reporters: ['default', './test/setup/closing-lines.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
