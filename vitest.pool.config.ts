import { defineConfig } from 'vitest/config';

// The suites that need a real HTCondor: run as the pool's user, who cannot write in the checkout (test/pool/README.md).
export default defineConfig({
  cacheDir: '/tmp/slurp-vitest-pool',
  test: {
    include: ['test/**/*.pool.test.ts'],
    globalSetup: ['test/setup/leave-nothing.ts', 'test/global-setup.ts'],
    setupFiles: ['test/setup/fail-on-print.ts'],
    reporters: ['default', './test/setup/closing-lines.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // As in vitest.config.ts.
    isolate: false,
  },
});
