/** How the memory for keys and values is cut into slots. */

/** Slots of one size. */
export interface Bucket {
  slots: number;
  /** Tokens of each. */
  capacity: number;
}

export interface BudgetRequest {
  memoryBytes: number;
  bytesPerToken: number;
  /** The longest context that must find a place. */
  maxContext: number;
  /** The most sessions at once. */
  slots: number;
  /** Rows of slack at the end of each slot. */
  tail: number;
}

/** Capacities are multiples of this: CUDA's kernels require aligned masks. */
const CAPACITY_STEP = 64;
/** The small bucket's share of the longest context. */
const SMALL_SHARE = 4;

/**
 * All slots for the longest context if the memory allows. Else half of the memory
 * for as many such slots as it holds, at least one, and the rest for slots of a
 * quarter of that: most prompts are far shorter than the longest. Ascending by
 * capacity. Throws where not even one slot fits.
 */
export function planBuckets(request: BudgetRequest): Bucket[] {
  const { memoryBytes, bytesPerToken, maxContext, slots, tail } = request;
  const roundUp = (tokens: number) => Math.ceil(tokens / CAPACITY_STEP) * CAPACITY_STEP;
  const fit = (bytes: number, capacity: number) =>
    Math.floor(bytes / ((capacity + tail) * bytesPerToken));
  const large = roundUp(maxContext);
  const most = fit(memoryBytes, large);
  if (most < 1) {
    throw new RangeError(
      `one context of ${maxContext} tokens needs ${(large + tail) * bytesPerToken} bytes for keys and values, ` +
        `but ${memoryBytes} are allowed: allow more memory, or lower the longest context`,
    );
  }
  if (most >= slots) return [{ slots, capacity: large }];
  const small = roundUp(maxContext / SMALL_SHARE);
  const largeSlots = Math.max(1, fit(memoryBytes / 2, large));
  const rest = memoryBytes - largeSlots * (large + tail) * bytesPerToken;
  const smallSlots = Math.min(slots - largeSlots, fit(rest, small));
  return [
    ...(smallSlots > 0 ? [{ slots: smallSlots, capacity: small }] : []),
    { slots: largeSlots, capacity: large },
  ];
}
