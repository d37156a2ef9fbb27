/**
 * Makes the recording: a model answers prompts by sampling, and at every place of its
 * answers its logits are kept beside those of a drafter. No smaller model is published
 * with SmolLM2's tokenizer, so the drafter is the same model that reads only the last
 * few tokens: a language model that knows less, as a draft model does.
 */

import { Draw } from '../../gpu-backend/accept/draw.ts';
import type { Neighbours } from '../../gpu-backend/accept/lossy/relaxed.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import type { RecordedPlace, Recording } from './recording.ts';

/** Tokens that the drafter reads. */
const DRAFT_READS = 12;
/** Likeliest tokens that are kept of each. */
const KEPT = 64;
const SEED = 5;

/** Likeliest tokens of the drafter whose neighbours are kept. */
const NEAR_OF = 8;

interface Plan {
  target: string;
  prompts: readonly Int32Array[];
  /** Of each answer. */
  tokens: number;
  stopIds: ReadonlySet<number>;
  neighbours: Neighbours;
}

export async function record(engine: Engine, plan: Plan): Promise<Recording> {
  const places: RecordedPlace[] = [];
  const nucleus = new Nucleus(engine.limits.vocabSize);
  for (const [i, prompt] of plan.prompts.entries()) {
    const draw = new Draw({ temperature: 1, topK: KEPT, topP: 1 }, [SEED, i], nucleus);
    const text = [...prompt];
    const slot = acquire(engine, prompt, plan.tokens);
    let logits = await feed(engine, slot, prompt);
    for (let n = 0; n < plan.tokens; n++) {
      const target = logits.slice();
      const draft = await read(engine, text.slice(-DRAFT_READS), plan.tokens);
      places.push(placeOf(target, draft, plan.neighbours));
      const token = draw.token(target, text.length);
      if (plan.stopIds.has(token)) break;
      text.push(token);
      logits = await feed(engine, slot, [token]);
    }
    engine.release(slot);
  }
  const draft = `the same model, of the text's last ${DRAFT_READS} tokens`;
  return { target: plan.target, draft, kept: KEPT, places };
}

function acquire(engine: Engine, prompt: ArrayLike<number>, more: number): Slot {
  // A namespace of its own: every token is fed, and none comes from another prompt's cache.
  const tokens = Int32Array.from(prompt);
  const slot = engine.acquire(tokens, tokens.length + more + 1, crypto.randomUUID());
  if (!slot) throw new Error('the engine has no free slot');
  return slot;
}

/** The logits after `tokens` of a text that begins anew. */
async function read(engine: Engine, tokens: readonly number[], more: number) {
  const slot = acquire(engine, tokens, more);
  const logits = await feed(engine, slot, tokens);
  const kept = logits.slice();
  engine.release(slot);
  return kept;
}

/** Feeds a chain and commits it; the logits after its last token, valid until the next step. */
async function feed(engine: Engine, slot: Slot, text: ArrayLike<number>): Promise<Float32Array> {
  let logits: Float32Array = new Float32Array(0);
  for (let from = 0; from < text.length; from += engine.limits.prefillRows) {
    const tokens = Int32Array.from(text).subarray(from, from + engine.limits.prefillRows);
    const rows = [...tokens.keys()];
    const row = {
      slot,
      count: tokens.length,
      tokens,
      parents: Int16Array.from(rows, (at) => at - 1),
      logitsFrom: tokens.length - 1,
      logits,
    };
    await engine.step([row]);
    engine.commit(slot, rows, rows.length);
    logits = row.logits;
  }
  return logits;
}

function placeOf(target: Float32Array, draft: Float32Array, neighbours: Neighbours): RecordedPlace {
  const tokens = [...new Set([...likeliest(target), ...likeliest(draft)])].sort((a, b) => a - b);
  const hundredths = (logits: Float32Array) => tokens.map((id) => Math.round(100 * logits[id]!));
  const index = new Map(tokens.map((token, i) => [token, i]));
  const near = Object.fromEntries(
    likeliest(draft)
      .slice(0, NEAR_OF)
      .map((token) => [
        index.get(token)!,
        [...neighbours.of(token)].flatMap((id) => index.get(id) ?? []),
      ]),
  );
  return { tokens, target: hundredths(target), draft: hundredths(draft), near };
}

function likeliest(logits: Float32Array): number[] {
  const ids = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  return ids.slice(0, KEPT);
}
