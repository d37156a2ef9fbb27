/** Our engine without the service: a prompt in chunks as the scheduler feeds them, then a token a step. */
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import type { Run } from './run.ts';

let runs = 0;

/** Feeds `prompt` and writes `maxTokens` greedily. */
export async function runOwn(
  engine: Engine,
  prompt: readonly number[],
  maxTokens: number,
): Promise<Run> {
  const ids = Int32Array.from(prompt);
  // A namespace of its own: nothing is in the cache.
  const slot = engine.acquire(ids, ids.length + maxTokens, `run ${runs++}`);
  if (!slot) throw new Error(`the engine has no room for ${ids.length + maxTokens} tokens`);
  try {
    const started = performance.now();
    let next = 0;
    const { prefillRows } = engine.limits;
    for (let at = 0; at < ids.length; at += prefillRows) {
      const chunk = ids.subarray(at, at + prefillRows);
      next = await feed(engine, slot, chunk, at + chunk.length === ids.length);
    }
    const first = performance.now();
    for (let i = 1; i < maxTokens; i++) next = await feed(engine, slot, Int32Array.of(next), true);
    const tokensMs = performance.now() - first;
    return {
      promptTokens: ids.length,
      firstMs: first - started,
      tokens: maxTokens - 1,
      tokensMs,
    };
  } finally {
    engine.release(slot);
  }
}

/** Commits a chain; the likeliest next token where that is `wanted`. */
async function feed(engine: Engine, slot: Slot, tokens: Int32Array, wanted: boolean) {
  const count = tokens.length;
  const row = {
    slot,
    count,
    tokens,
    parents: Int16Array.from({ length: count }, (_, i) => i - 1),
    logitsFrom: wanted ? count - 1 : count,
    logits: new Float32Array(0),
  };
  await engine.step([row]);
  const next = wanted ? argmax(row.logits) : 0;
  engine.commit(
    slot,
    Array.from({ length: count }, (_, i) => i),
    count,
  );
  return next;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
