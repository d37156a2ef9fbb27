/** What each rule accepts of k drafts after one place, averaged over the places of a recording. */
import { drawDistinct } from '../../gpu-backend/accept/sampled/drawing.ts';
import { rhoOf } from '../../gpu-backend/accept/sampled/k-seq.ts';
import { residualOf } from '../../gpu-backend/accept/sampled/trial.ts';
import { withoutReplacement } from '../../gpu-backend/accept/sampled/without-replacement.ts';
import { Noise } from '../../src/draft/noise.ts';
import { optimumWith, optimumWithout } from './optimum.ts';
import type { Distributions } from './recording.ts';

/** Draws a place where a rule's acceptance depends on what was drawn. */
const ROUNDS = 64;

/** Probability that one of k drafts is committed after a place. */
type Acceptance = (both: Distributions, k: number, place: number) => number;

/** With replacement what is rejected does not depend on which token it was: exact. */
const recursive: Acceptance = ({ p, q }, k) => {
  let left = p;
  let rejected = 1;
  for (let i = 0; i < k; i++) {
    rejected *= 1 - overlap(left, q);
    left = residualOf(left, q);
  }
  return 1 - rejected;
};

const kSeq: Acceptance = ({ p, q }, k) => {
  const rho = rhoOf(p, q, k);
  const beta = q.reduce((sum, qx, x) => sum + Math.min(qx, p[x]! / rho), 0);
  return 1 - (1 - beta) ** k;
};

const withoutReplacementBy: Acceptance = ({ p, q }, k, place) => {
  const noise = new Noise([place, 11]);
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    noise.at(round);
    const tokens = drawDistinct(q, k, (i) => noise.uniform(i));
    const { accept } = withoutReplacement(p, { tokens, q });
    sum += 1 - accept.reduce((rejected, a) => rejected * (1 - a), 1);
  }
  return sum / ROUNDS;
};

const greedy: Acceptance = ({ p, q }, k) => {
  const rest = q.slice();
  let accepted = 0;
  for (const x of likeliest(q, k - 1)) {
    accepted += p[x]!;
    rest[x] = 0;
  }
  const mass = rest.reduce((sum, qx) => sum + qx, 0);
  if (mass === 0) return accepted;
  return accepted + rest.reduce((sum, qx, x) => sum + Math.min(p[x]!, qx / mass), 0);
};

/** The k likeliest of q, whatever the target will draw. */
const likeliestMatched: Acceptance = ({ p, q }, k) =>
  likeliest(q, k).reduce((sum, x) => sum + p[x]!, 0);

/** Draw and match where the drafter ranks by log q and the target's own noise. */
const sharedNoise: Acceptance = ({ p, q }, k, place) => {
  const noise = new Noise([place, 13]);
  let matched = 0;
  const rounds = 4 * ROUNDS;
  for (let round = 0; round < rounds; round++) {
    noise.at(round);
    const gumbels = p.map((_, x) => noise.gumbel(x));
    const ranked = (weights: Float64Array, count: number) =>
      likeliest(
        weights.map((weight, x) => Math.log(weight) + gumbels[x]!),
        count,
        Number.NEGATIVE_INFINITY,
      );
    if (ranked(q, k).includes(ranked(p, 1)[0]!)) matched++;
  }
  return matched / rounds;
};

const CONTENDERS: Readonly<Record<string, Acceptance>> = {
  'draw and match, likeliest drafts': likeliestMatched,
  'draw and match, shared noise': sharedNoise,
  'recursive rejection (SpecInfer), with replacement': recursive,
  'K-SEQ (SpecTr), with replacement': kSeq,
  'optimum with replacement': ({ p, q }, k) => optimumWith(p, q, k),
  'without replacement (RSD)': withoutReplacementBy,
  'optimum without replacement': ({ p, q }, k) => optimumWithout(p, q, k),
  'greedy multi-draft': greedy,
};

/** @returns by contender, the mean acceptance at 1 to `most` drafts */
export function compareRules(places: readonly Distributions[], most: number) {
  return Object.fromEntries(
    Object.entries(CONTENDERS).map(([name, acceptance]) => {
      const byDrafts = Array.from({ length: most }, (_, i) => {
        const sum = places.reduce((total, both, at) => total + acceptance(both, i + 1, at), 0);
        return sum / places.length;
      });
      return [name, byDrafts];
    }),
  );
}

function overlap(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, px, x) => sum + Math.min(px, q[x]!), 0);
}

/** Ids of the `count` largest values above `least`, largest first, ties by id. */
function likeliest(values: Float64Array, count: number, least = 0): number[] {
  const ids = [...values.keys()].filter((x) => values[x]! > least);
  return ids.sort((a, b) => values[b]! - values[a]! || a - b).slice(0, count);
}
