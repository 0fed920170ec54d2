import { configDefaults, defineConfig } from 'vitest/config';

import SlowFirst from './test/setup/slow-first.ts';

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
    sequence: { sequencer: SlowFirst },
    maxWorkers: 2,
    // A process and all imports for each file took a third of the CPU. No test leaves anything behind in its process.
    isolate: false,
  },
});
