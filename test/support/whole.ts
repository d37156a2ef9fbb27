/** What `npm test` tries a part of, `npm run test:soak` tries as a whole. */
const WHOLE = process.env.ESPALIER_TEST_WHOLE === 'true';

/** Every `step`-th of the cases, from the first. */
export function partOf<T>(cases: readonly T[], step: number): T[] {
  return cases.filter((_, index) => WHOLE || index % step === 0);
}

/** How often something random is tried. */
export function triesOf(counts: { part: number; whole: number }): number {
  return WHOLE ? counts.whole : counts.part;
}
