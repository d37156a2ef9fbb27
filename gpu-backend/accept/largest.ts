/**
 * Finds the few large entries in a row of logits. Most blocks of eight contain none, and
 * one condition over eight comparisons takes less than half the time of eight branches.
 */

/** Entries that are compared at once. */
const BLOCK = 8;

/** The largest logit's token, the lowest id among equals. O(V). */
export function argmax(logits: Float32Array): number {
  let best = 0;
  let max = logits[0]!;
  let id = nextFrom(logits, 1, max);
  while (id >= 0) {
    if (logits[id]! > max) {
      best = id;
      max = logits[id]!;
    }
    id = nextFrom(logits, id + 1, max);
  }
  return best;
}

/** The first token at `start` or behind it whose logit is at least `bound`; -1 where there is none. O(V). */
export function nextFrom(logits: Float32Array, start: number, bound: number): number {
  let id = start;
  for (; id + BLOCK <= logits.length; id += BLOCK) {
    if (
      logits[id]! < bound &&
      logits[id + 1]! < bound &&
      logits[id + 2]! < bound &&
      logits[id + 3]! < bound &&
      logits[id + 4]! < bound &&
      logits[id + 5]! < bound &&
      logits[id + 6]! < bound &&
      logits[id + 7]! < bound
    ) {
      continue;
    }
    for (let next = id; next < id + BLOCK; next++) if (logits[next]! >= bound) return next;
  }
  for (; id < logits.length; id++) if (logits[id]! >= bound) return id;
  return -1;
}
