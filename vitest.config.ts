import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What waits for real time is in `npm run test:soak`.
    exclude: ['test/**/*.slow.test.ts', 'node_modules/**'],
    globalSetup: 'test/support/service-pool.ts',
    // Files of one worker share its process and the modules in it: loading them anew for each file
    // takes a sixth of all. What a file changes for others it changes back.
    isolate: false,
    // A file that talks to a service waits for it most of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Real processes start in many of them; two slow cores take their time.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // And may be late once. The report names what was tried again.
    retry: 1,
    expect: { poll: { timeout: 10_000 } },
  },
});
