import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    testTimeout: 7_200_000,
    hookTimeout: 1_200_000,
    // One at a time: each takes all the cores there are.
    fileParallelism: false,
    // The PDF reader lets go of a promise when a damaged table of objects makes it start again.
    onUnhandledError: ({ name }) => name !== 'XRefEntryException',
  },
});
