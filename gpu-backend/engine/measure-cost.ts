/** Times steps of a fresh engine to get its cost curve going. */
import { type CostSamples, MEASURED_ROWS } from './cost-curve.ts';
import type { KvPool } from './kv-pool.ts';
import { ownLane } from './lane.ts';
import type { LaneRunner } from './lane-runner.ts';
import { KvSlot } from './slots.ts';
import type { StepOutputs } from './step-outputs.ts';

const SHORT_CONTEXT = 64;
const LONG_CONTEXT = 1024;
/** The fastest of so many runs is the one that nothing disturbed. */
const RUNS = 3;
/** After so long the rest is estimated: a large model must not hold up its start. */
const PATIENCE_MS = 1500;

/**
 * Runs chains of `MEASURED_ROWS` tokens in the first slot of `pool`, which must
 * be unused; `capacity` is what the slot can hold.
 */
export async function measureCost(
  runner: LaneRunner,
  pool: KvPool,
  capacity: number,
  logits: readonly StepOutputs[],
): Promise<CostSamples> {
  const most = MEASURED_ROWS.at(-1)!;
  const longContext = Math.min(LONG_CONTEXT, capacity >> 1);
  const shortContext = Math.min(SHORT_CONTEXT, longContext >> 1);
  const deadline = performance.now() + PATIENCE_MS;
  const slot = new KvSlot(pool, 0, capacity);
  const tokens = new Int32Array(most);
  const parents = Int16Array.from(tokens, (_, i) => i - 1);
  for (const output of logits) output.reserve(most);

  async function time(count: number, context: number): Promise<number> {
    slot.length = context;
    let fastest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RUNS; i++) {
      const row = { slot, count, tokens, parents, logitsFrom: 0, logits: new Float32Array(0) };
      fastest = Math.min(fastest, await runner.run([ownLane({ slot, row })], 0));
    }
    return fastest;
  }

  const short: number[] = [];
  const long: number[] = [];
  for (const rows of MEASURED_ROWS) {
    const late = short.length >= 2 && performance.now() > deadline;
    const beyond = late || longContext + rows > capacity;
    short.push(beyond ? extrapolate(short) : await time(rows, shortContext));
    long.push(beyond ? extrapolate(long) : await time(rows, longContext));
  }
  return { shortContext, longContext, short, long };
}

/** The next point on the line through the last two. */
function extrapolate(values: readonly number[]): number {
  const at = values.length;
  const [a = 0, b = 0, c = 0] = MEASURED_ROWS.slice(at - 2, at + 1);
  const before = values[at - 2]!;
  const last = values[at - 1]!;
  return last + (Math.max(0, last - before) * (c - b)) / (b - a);
}
