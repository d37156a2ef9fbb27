/**
 * What the lossy rules gain and cost on recorded logits, computed exactly: with the k
 * likeliest tokens of q as drafts after a place, the probability that one of them is
 * committed, how far the law of what is committed lies from the target's, and how
 * surprising it is to the target.
 */
import { standIn } from '../../gpu-backend/accept/lossy/relaxed.ts';
import { typicalLeast } from '../../gpu-backend/accept/lossy/typical.ts';
import { transfer } from '../../gpu-backend/accept/transfer.ts';
import { WORD_WHOLE } from '../../src/link/protocol/index.ts';
import { distributionsAt, type RecordedPlace } from './recording.ts';

interface Situation {
  place: RecordedPlace;
  p: Float64Array;
  q: Float64Array;
  drafts: readonly number[];
  temperature: number;
}

/** The law of the committed token, and the probability that it is a draft. */
type LossyLaw<Needed = Situation> = (situation: Needed) => Float64Array;

const match: LossyLaw = ({ p }) => p;

export const typicalLaw: LossyLaw<Pick<Situation, 'p' | 'drafts'>> = ({ p, drafts }) => {
  const best = drafts.reduce((most, x) => (p[x]! > p[most]! ? x : most));
  if (!(p[best]! > typicalLeast(p))) return p;
  return moved(p, drafts, () => best);
};

export const relaxedLaw =
  (
    delta: number,
  ): LossyLaw<Pick<Situation, 'p' | 'drafts'> & { place: Pick<RecordedPlace, 'near'> }> =>
  ({ place, p, drafts }) => {
    const neighbours = { of: (x: number) => Int32Array.from(place.near[x] ?? []) };
    return moved(p, drafts, (own) => standIn(p, drafts, own, neighbours, delta));
  };

const transferred =
  (eta: number): LossyLaw =>
  ({ place, q, temperature }) => {
    const logits = Float32Array.from(place.target, (z) => z / 100);
    const tokens = Int32Array.from(q.keys());
    const probs = Uint8Array.from(q, (qx) => Math.round(WORD_WHOLE * qx));
    transfer(logits, { tokens, probs }, eta, temperature);
    const hundredths = [...logits].map((z) => 100 * z);
    return distributionsAt({ ...place, target: hundredths }, Infinity, temperature).p;
  };

const LOSSY: Readonly<Record<string, LossyLaw>> = {
  'draw and match': match,
  'typical (Medusa)': typicalLaw,
  'relaxed (LANTERN), δ 0.1': relaxedLaw(0.1),
  'relaxed (LANTERN), δ 0.3': relaxedLaw(0.3),
  'transfer (RAPID), η 5': transferred(5),
  'transfer (RAPID), η 20': transferred(20),
};

export interface Loss {
  acceptance: number;
  /** Total variation of the committed token's law from the target's, the mean over places. */
  variation: number;
  /** Of what is committed, under the target. */
  perplexity: number;
}

/** @returns by rule, with `count` drafts */
export function compareLossy(places: readonly RecordedPlace[], temperature: number, count: number) {
  return Object.fromEntries(
    Object.entries(LOSSY).map(([name, law]): [string, Loss] => {
      const sums = { acceptance: 0, variation: 0, surprise: 0 };
      for (const place of places) {
        const both = distributionsAt(place, Infinity, temperature);
        const drafts = likeliest(both.q, count);
        const committed = law({ place, ...both, drafts, temperature });
        const { p } = both;
        for (let x = 0; x < p.length; x++) {
          if (committed[x] === 0) continue;
          if (drafts.includes(x)) sums.acceptance += committed[x]!;
          sums.variation += Math.max(0, committed[x]! - p[x]!);
          sums.surprise -= committed[x]! * Math.log(p[x]!);
        }
      }
      const { acceptance, variation, surprise } = sums;
      const n = places.length;
      const loss = {
        acceptance: acceptance / n,
        variation: variation / n,
        perplexity: Math.exp(surprise / n),
      };
      return [name, loss];
    }),
  );
}

/** `p` with the mass of each token that is no draft moved to the draft that `instead` names, if any. */
export function moved(
  p: Float64Array,
  drafts: readonly number[],
  instead: (own: number) => number,
): Float64Array {
  const law = p.slice();
  for (let own = 0; own < p.length; own++) {
    if (p[own] === 0 || drafts.includes(own)) continue;
    const draft = instead(own);
    if (draft < 0) continue;
    law[draft]! += p[own]!;
    law[own] = 0;
  }
  return law;
}

function likeliest(q: Float64Array, count: number): number[] {
  return [...q.keys()].sort((a, b) => q[b]! - q[a]! || a - b).slice(0, count);
}
