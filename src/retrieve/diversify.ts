/** From the best of a ranking to a varied few. Pure. */

export interface Scored {
  score: number;
  /** Of its text. */
  tokens: Int32Array;
}

/**
 * Maximal marginal relevance (Carbonell and Goldstein 1998): takes the best
 * next one by score less its likeness to those taken. `diversity` is 0 for the
 * order as it is, 1 for difference alone. Likeness is the share of tokens in
 * common (Jaccard), which needs no vectors. O(k · n) comparisons of sets.
 */
export function diversify<Item extends Scored>(
  items: readonly Item[],
  k: number,
  diversity: number,
): Item[] {
  if (diversity === 0) return items.slice(0, k);
  const rest = items.map((item) => ({ item, tokens: new Set(item.tokens), likeness: 0 }));
  const taken: Item[] = [];
  while (taken.length < k && rest.length > 0) {
    let best = 0;
    const value = ({ item, likeness }: (typeof rest)[number]) =>
      (1 - diversity) * item.score - diversity * likeness;
    for (let i = 1; i < rest.length; i++) if (value(rest[i]!) > value(rest[best]!)) best = i;
    const [chosen] = rest.splice(best, 1);
    taken.push(chosen!.item);
    for (const other of rest) {
      other.likeness = Math.max(other.likeness, jaccard(other.tokens, chosen!.tokens));
    }
  }
  return taken;
}

function jaccard(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let common = 0;
  for (const token of a) if (b.has(token)) common++;
  const union = a.size + b.size - common;
  return union === 0 ? 0 : common / union;
}
