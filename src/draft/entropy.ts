/** How undecided a distribution is, in nats: 0 where one outcome has it all. O(n). */
export function entropyOf(probs: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probs.length; i++) {
    const p = probs[i]!;
    if (p > 0) sum -= p * Math.log(p);
  }
  return sum;
}
