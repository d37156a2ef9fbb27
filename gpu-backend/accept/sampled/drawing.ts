/** How drafts are drawn from a distribution, for the rule that tries them. */

/** `uniform(i)`: independent numbers in (0, 1). Fewer than `k` come back where no more tokens have a probability. */
export type Drawing = (q: Float64Array, k: number, uniform: (draw: number) => number) => number[];

/** The token at which the running sum of `weights` passes `share` of their sum. O(V). */
function pick(weights: Float64Array, share: number): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  let left = share * sum;
  let found = -1;
  for (let x = 0; x < weights.length; x++) {
    if (weights[x] === 0) continue;
    found = x;
    left -= weights[x]!;
    if (left < 0) break;
  }
  return found;
}

export const drawIndependent: Drawing = (q, k, uniform) => {
  const tokens = Array.from({ length: k }, (_, i) => pick(q, uniform(i)));
  return tokens.filter((token) => token >= 0);
};

export const drawDistinct: Drawing = (q, k, uniform) => {
  const left = q.slice();
  const tokens: number[] = [];
  for (let i = 0; i < k; i++) {
    const token = pick(left, uniform(i));
    if (token < 0) break;
    tokens.push(token);
    left[token] = 0;
  }
  return tokens;
};

/** The k − 1 likeliest, ties by id, then one drawn from the rest. */
export const drawTopThenOne: Drawing = (q, k, uniform) => {
  const ids = [...q.keys()].filter((x) => q[x]! > 0).sort((a, b) => q[b]! - q[a]! || a - b);
  const top = ids.slice(0, k - 1);
  const left = q.slice();
  for (const token of top) left[token] = 0;
  const last = pick(left, uniform(0));
  return last < 0 ? top : [...top, last];
};
