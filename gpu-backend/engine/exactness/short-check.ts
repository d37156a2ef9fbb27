/** The check that a model gets the first time it is opened on a machine: some thirty nodes. */
import type { CostPrior } from '../cost-model.ts';
import type { Exactness } from '../engine.ts';
import { KvPool } from '../kv-pool.ts';
import { type EngineParts, OrtEngine } from '../ort-engine.ts';
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

/** Runs an engine of `parts` on slots of its own, which are gone afterwards. */
export async function checkShortly(parts: EngineParts, prior: CostPrior): Promise<Exactness> {
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
