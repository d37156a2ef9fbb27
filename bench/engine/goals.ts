/** What the engine set out to reach. */

import { atLeast, atMost, type Goal } from '../goals.ts';
import { attentionMeans } from './attention.ts';
import type { Results } from './parts.ts';

/** Resident memory may differ by so much between two moments and still be called flat. */
const FLAT_BYTES = 16 * 2 ** 20;

/** Of the parts that were run. */
export function goalsOf({ attention, batch, overhead, prefix, rival, memory }: Results): Goal[] {
  const goals: Goal[] = [];
  if (attention) {
    const { step, prompt } = attentionMeans(attention);
    goals.push(atMost('exact over fused attention, mean of steps of 1 to 16 rows', step, 1.05));
    goals.push(atMost('exact over fused attention, a prompt in the best chunks', prompt, 1.15));
  }
  for (const { context, lanes, ratio } of batch ?? []) {
    // Shared lanes are CUDA's form; on a CPU they are measured to show why.
    if (lanes !== 'own') continue;
    goals.push(atLeast(`tokens/s of 8 sessions over one, context ${context}`, ratio, 2));
  }
  if (overhead) {
    const { oneSession } = overhead;
    goals.push(atMost('ms a step beyond the graph’s run, one session', oneSession, 0.5));
  }
  if (prefix) {
    const goal = `first logits with ${prefix.prefix} known tokens, over without`;
    goals.push(atLeast(goal, prefix.ratio, 5));
  }
  for (const { nodes, context, ratio } of rival ?? []) {
    goals.push(atLeast(`speed over onnxruntime-node, ${nodes} nodes at ${context}`, ratio, 2));
  }
  if (memory) {
    const grown = memory.afterBytes - memory.beforeBytes;
    goals.push(atMost(`bytes grown in ${memory.steps} steps`, grown, FLAT_BYTES));
  }
  return goals;
}
