import { defineConfig } from 'vitest/config';

/** Of these `npm test` runs a part: see test/support/whole.ts. */
const WHOLE = [
  'test/draft-model/service.test.ts',
  'test/drafting/streams.test.ts',
  'test/link/{frames,hostile,logprobs}.test.ts',
  'test/lossless/service.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 7_200_000,
    hookTimeout: 1_200_000,
    // One at a time: each takes all the cores there are.
    fileParallelism: false,
    // The PDF reader lets go of a promise when a damaged table of objects makes it start again.
    onUnhandledError: ({ name }) => name !== 'XRefEntryException',
    projects: [
      {
        extends: true,
        test: {
          name: 'whole',
          include: WHOLE,
          globalSetup: 'test/support/service-pool.ts',
          env: { ESPALIER_TEST_WHOLE: 'true' },
        },
      },
      { extends: true, test: { name: 'long', include: ['test/soak/*.soak.ts'] } },
    ],
  },
});
