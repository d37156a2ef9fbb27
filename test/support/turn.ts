/** A checked turn as `admit` makes one of plain settings. */
import type { Turn } from '../../gpu-backend/turn/admit.ts';

/** Greedy, drafted beside the verifier, without anything that a request may add. */
export function turnOf(changes: Partial<Turn> & Pick<Turn, 'prompt'>): Turn {
  return {
    namespace: 'alone',
    seed: [1, 2],
    warp: { temperature: 0, topK: 0, topP: 1 },
    repetition: 1,
    penalties: null,
    bias: [],
    maxTokens: 32,
    stopIds: new Set(),
    drafting: 'echoed',
    budget: 32,
    regions: [],
    excerpts: [],
    resumed: 0,
    transfer: 0,
    accept: { name: 'match' },
    remember: true,
    logprobs: null,
    grammar: null,
    maxWaitMs: 0,
    ...changes,
  };
}
