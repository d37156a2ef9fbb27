/** The check that a model gets the first time it is opened on a machine: some thirty nodes, at most twice. */
import type { CostPrior } from '../cost-model.ts';
import type { Exactness } from '../engine.ts';
import type { EngineParts } from '../engine-parts.ts';
import { KvPool } from '../kv-pool.ts';
import type { LeastRows } from '../lane.ts';
import { OrtEngine } from '../ort-engine.ts';
import { KvSlot, SlotTable } from '../slots.ts';
import { checkExactness, type ExactnessPlan, slotsFor } from './check.ts';

const PLAN: ExactnessPlan = {
  trees: 6,
  maxNodes: 16,
  maxContext: 40,
  sessions: 1,
  seed: 1,
  // A large model must not hold up its start: it gets fewer trees.
  patienceMs: 2_000,
};
/** Rows of a slot: the plan's longest text, its tree, and what lanes are padded to, in whole widths. */
const STRIDE = 128;

/** How an engine feeds single rows on this machine, and what the check found then. */
export interface Proof {
  leastRows: LeastRows;
  exactness: Exactness;
}

/**
 * Without AVX-512, ONNX Runtime multiplies a single row by 4-bit blocks with another
 * routine than several rows: where the check finds a difference, single rows are padded.
 */
export async function proveShortly(parts: EngineParts, prior: CostPrior): Promise<Proof> {
  const { leastRows } = parts;
  const exactness = await checkShortly(parts, prior);
  if (isExact(exactness) || leastRows === 2) return { leastRows, exactness };
  const padded = await checkShortly({ ...parts, leastRows: 2 }, prior);
  return isExact(padded) ? { leastRows: 2, exactness: padded } : { leastRows, exactness };
}

function isExact({ nodes, equal }: Exactness): boolean {
  return equal === nodes;
}

/** Runs an engine of `parts` on slots of its own, which are gone afterwards. */
async function checkShortly(parts: EngineParts, prior: CostPrior): Promise<Exactness> {
  const pool = new KvPool(parts.graphs.device, parts.pools[0]!.shape, slotsFor(PLAN), STRIDE);
  const capacity = PLAN.maxContext + PLAN.maxNodes;
  const slots = Array.from({ length: pool.slots }, (_, i) => new KvSlot(pool, i, capacity));
  const limits = { ...parts.limits, maxContext: capacity, maxRows: capacity, slots: slots.length };
  const engine = new OrtEngine(
    { ...parts, limits, pools: [pool], slots: new SlotTable(slots) },
    prior,
  );
  try {
    return await checkExactness(engine, PLAN);
  } finally {
    pool.release();
  }
}
