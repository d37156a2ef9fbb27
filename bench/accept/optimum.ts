/**
 * The most that any lossless rule can accept of k drafts from q (SpecTr's optimal
 * transport), by the dual of "Towards Optimal Multi-draft Speculative Decoding" (2502.18779):
 *
 *   α*(k) = min over sets H of 1 + p(H) − Pr[all k drafts are in H]
 *
 * The best H begins with the tokens of the highest q / p, so V + 1 sets are looked at.
 */

/** Token ids by falling q / p; those with neither are left out. */
function byRatio(p: Float64Array, q: Float64Array): number[] {
  const ids = [...p.keys()].filter((x) => p[x]! > 0 || q[x]! > 0);
  return ids.sort((a, b) => q[b]! * p[a]! - q[a]! * p[b]! || a - b);
}

/** Of k drafts drawn with replacement. O(V log V). */
export function optimumWith(p: Float64Array, q: Float64Array, k: number): number {
  let best = 1;
  let pH = 0;
  let qH = 0;
  for (const x of byRatio(p, q)) {
    pH += p[x]!;
    qH += q[x]!;
    best = Math.min(best, 1 + pH - qH ** k);
  }
  return best;
}

/** Times at which the race below is looked at: between e^−18 and e^18, evenly in their logarithm. */
const TIMES = 512;
const LOG_SPAN = 18;

/**
 * Of k drafts drawn without replacement. They are the first k arrivals of a race in which
 * token x arrives after Exp(q(x)): all are in H where k of H arrive before the first of
 * the others does, so
 *
 *   Pr = ∫ Pr[at least k of H by t] · λ·e^(−λt) dt,  λ = q outside of H
 *
 * The count of arrivals is a sum of independent coins, kept for all times while H grows.
 * O(V · k · TIMES); right to about 1e-5.
 */
export function optimumWithout(p: Float64Array, q: Float64Array, k: number): number {
  const times = Float64Array.from({ length: TIMES }, (_, i) =>
    Math.exp(LOG_SPAN * ((2 * i) / (TIMES - 1) - 1)),
  );
  /** By time, of 0 to k − 1 arrivals. */
  const fewer = Array.from({ length: k }, (_, n) => new Float64Array(TIMES).fill(n === 0 ? 1 : 0));
  let best = 1;
  let pH = 0;
  let outside = 1;
  for (const x of byRatio(p, q)) {
    pH += p[x]!;
    outside = Math.max(0, outside - q[x]!);
    for (let i = 0; i < TIMES; i++) {
      const arrives = -Math.expm1(-q[x]! * times[i]!);
      for (let n = k - 1; n >= 0; n--) {
        const before = n > 0 ? fewer[n - 1]![i]! * arrives : 0;
        fewer[n]![i] = fewer[n]![i]! * (1 - arrives) + before;
      }
    }
    best = Math.min(best, 1 + pH - allInside(fewer, times, outside));
  }
  return best;
}

function allInside(fewer: readonly Float64Array[], times: Float64Array, outside: number): number {
  const enough = (i: number) => 1 - fewer.reduce((sum, at) => sum + at[i]!, 0);
  // Before the first time looked at nothing arrives, after the last one the others may never.
  let sum = enough(TIMES - 1) * Math.exp(-outside * times[TIMES - 1]!);
  for (let i = 1; i < TIMES; i++) {
    const ends = Math.exp(-outside * times[i - 1]!) - Math.exp(-outside * times[i]!);
    sum += ((enough(i - 1) + enough(i)) / 2) * ends;
  }
  return sum;
}
