/**
 * The best nodes of a tree, as a tree. Taking the most probable paths is
 * ancestor-closed by itself, as a path is never more probable than its prefix;
 * probabilities that say otherwise (rounded on the wire, fused from two sources)
 * are first capped by their parent's.
 */
import { bestNodeCount, type StepCost } from './budget.ts';
import type { Source } from './source.ts';
import { ROOT, type TokenTree } from './tree.ts';

/**
 * Replaces `into` by the at most `budget` best nodes of `from`: all of them, or
 * as many as pay under `cost`. Returns how many. O(n log n) in `from.size`.
 */
export function selectBest(
  from: TokenTree,
  into: TokenTree,
  budget: number,
  cost?: StepCost,
): number {
  const size = from.size;
  into.clear();
  const capped = new Float32Array(size);
  for (let node = 0; node < size; node++) {
    const parent = from.parents[node]!;
    const above = parent === ROOT ? 1 : capped[parent]!;
    capped[node] = Math.min(from.probs[node]!, above);
  }
  const falling = capped.slice().sort().reverse();
  let count = Math.min(budget, size, into.capacity);
  if (cost) count = bestNodeCount(falling, size, count, cost);
  if (count === 0) return 0;
  const threshold = falling[count - 1]!;
  let ties = count;
  while (ties > 0 && falling[ties - 1] === threshold) ties--;
  // Nodes at the threshold itself go by index, so parents before children.
  ties = count - ties;
  const moved = new Int16Array(size).fill(ROOT);
  for (let node = 0; node < size; node++) {
    const p = capped[node]!;
    if (p < threshold || (p === threshold && ties-- <= 0)) continue;
    const parent = from.parents[node]!;
    const under = parent === ROOT ? ROOT : moved[parent]!;
    moved[node] = into.add(under, from.tokens[node]!, p, from.sources[node] as Source);
  }
  return into.size;
}
