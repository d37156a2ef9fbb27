/** What the engine set out to reach, and whether this run reached it. */
import type { Results } from '../engine.ts';

export interface Goal {
  goal: string;
  /** What the run gave. */
  value: number;
  /** The least that is wanted, or the most. */
  least?: number;
  most?: number;
  met: boolean;
}

/** Resident memory may differ by so much between two moments and still be called flat. */
const FLAT_BYTES = 16 * 2 ** 20;

/** Of the parts that were run. */
export function goalsOf({ batch, overhead, prefix, rival, memory }: Results): Goal[] {
  const goals: Goal[] = [];
  const least = (goal: string, value: number, wanted: number) =>
    goals.push({ goal, value, least: wanted, met: value >= wanted });
  const most = (goal: string, value: number, wanted: number) =>
    goals.push({ goal, value, most: wanted, met: value <= wanted });
  for (const { context, lanes, ratio } of batch ?? []) {
    // Shared lanes are CUDA's form; on a CPU they are measured to show why.
    if (lanes === 'own') least(`tokens/s of 8 sessions over one, context ${context}`, ratio, 2);
  }
  if (overhead) most('ms a step beyond the graph’s run, one session', overhead.oneSession, 0.5);
  if (prefix)
    least(`first logits with ${prefix.prefix} known tokens, over without`, prefix.ratio, 5);
  for (const { nodes, context, ratio } of rival ?? []) {
    least(`speed over onnxruntime-node, ${nodes} nodes at ${context}`, ratio, 2);
  }
  if (memory) {
    const grown = memory.afterBytes - memory.beforeBytes;
    most(`bytes grown in ${memory.steps} steps`, grown, FLAT_BYTES);
  }
  return goals;
}
