import { defineConfig } from 'vitest/config';
import all from '../../vitest.config.ts';

/** Of these `npm test` runs a part: see test/support/whole.ts. */
const WHOLE = [
  'test/engine/exactness.test.ts',
  'test/link/{frames,hostile,logprobs}.test.ts',
  'test/lossless/service.test.ts',
];

/** Each file takes all the cores there are. */
const ALONE = { maxWorkers: 1, testTimeout: 7_200_000, hookTimeout: 1_200_000 };

export default defineConfig({
  test: {
    // The PDF reader lets go of a promise when a damaged table of objects makes it start again.
    onUnhandledError: ({ name }) => name !== 'XRefEntryException',
    projects: [
      {
        test: {
          ...all.test,
          name: 'slow',
          // They break what they use.
          isolate: true,
          include: ['test/**/*.slow.test.ts'],
          exclude: ['node_modules/**'],
        },
      },
      {
        test: {
          ...all.test,
          name: 'whole',
          include: WHOLE,
          // The proof of losslessness: a bit that differs now and then is a fault.
          retry: 0,
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
          env: { ESPALIER_TEST_WHOLE: 'true' },
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...ALONE,
          name: 'long',
          include: ['test/soak/*.soak.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
