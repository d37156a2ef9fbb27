import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes start in some of them; two cores run them side by side.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
