/** Everything that a drawing can draw of a small vocabulary, with its probability. */
import {
  type Drawing,
  drawDistinct,
  drawIndependent,
  drawTopThenOne,
} from '../../gpu-backend/accept/sampled/drawing.ts';

export interface Outcome {
  tokens: number[];
  prob: number;
}

type Enumeration = (q: Float64Array, k: number) => Outcome[];

const independent: Enumeration = (q, k) => {
  if (k === 0) return [{ tokens: [], prob: 1 }];
  return independent(q, k - 1).flatMap(({ tokens, prob }) =>
    [...q.keys()].map((x) => ({ tokens: [...tokens, x], prob: prob * q[x]! })),
  );
};

const distinct: Enumeration = (q, k) => {
  if (k === 0) return [{ tokens: [], prob: 1 }];
  return distinct(q, k - 1).flatMap(({ tokens, prob }) => {
    const left = [...q.keys()].filter((x) => !tokens.includes(x) && q[x]! > 0);
    const mass = left.reduce((sum, x) => sum + q[x]!, 0);
    if (left.length === 0) return [{ tokens, prob }];
    return left.map((x) => ({ tokens: [...tokens, x], prob: (prob * q[x]!) / mass }));
  });
};

const topThenOne: Enumeration = (q, k) => {
  const top = [...q.keys()].sort((a, b) => q[b]! - q[a]! || a - b).slice(0, k - 1);
  const rest = q.map((qx, x) => (top.includes(x) ? 0 : qx));
  return distinct(
    rest.map((qx) => qx / rest.reduce((sum, one) => sum + one, 0)),
    1,
  ).map(({ tokens, prob }) => ({ tokens: [...top, ...tokens], prob }));
};

const ENUMERATIONS = new Map<Drawing, Enumeration>([
  [drawIndependent, independent],
  [drawDistinct, distinct],
  [drawTopThenOne, topThenOne],
]);

export function outcomesOf(draw: Drawing, q: Float64Array, k: number): Outcome[] {
  return ENUMERATIONS.get(draw)!(q, k).filter(({ prob }) => prob > 0);
}
