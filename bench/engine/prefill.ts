/** Prompt tokens a second whole and in chunks, and the time to the first logits with and without a known prefix. */
import type { Slot } from '../../gpu-backend/engine/engine.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { type Bench, chain, feed, timeInTurns } from './setup.ts';

const PROMPT = 512;
const CHUNKS = [512, 256, 128, 64];
const SHARED_PREFIX = 1024;
const QUESTION = 32;
const CHUNK = 256;

export interface Prefill {
  chunk: number;
  tokensPerSecond: number;
  /** Of the whole prompt's speed. */
  ratio: number;
}

export async function prefill(bench: Bench): Promise<Prefill[]> {
  const engine = await bench.open({ slots: CHUNKS.length });
  try {
    const slots = CHUNKS.map((chunk) => acquire(engine, new Int32Array(1), `chunk ${chunk}`));
    const times = await timeInTurns(
      bench.repeats,
      CHUNKS.map((chunk, i) => async () => {
        engine.release(slots[i]!);
        slots[i] = acquire(engine, new Int32Array(1), `chunk ${chunk}`);
        await feedPrompt(engine, slots[i]!, PROMPT, chunk);
      }),
    );
    return CHUNKS.map((chunk, i) => ({
      chunk,
      tokensPerSecond: (PROMPT * 1000) / times[i]!,
      ratio: times[0]! / times[i]!,
    }));
  } finally {
    engine.close();
  }
}

export interface PrefixReuse {
  prefix: number;
  question: number;
  freshMs: number;
  reusedMs: number;
  ratio: number;
}

/** A prompt of passages and a question, against the same passages with another question. */
export async function prefixReuse(bench: Bench): Promise<PrefixReuse> {
  const engine = await bench.open({ slots: 4 });
  try {
    let asked = 0;
    const ask = async (namespace: string) => {
      const prompt = Int32Array.from(
        { length: SHARED_PREFIX + QUESTION },
        (_, i) => (i * 7) % 5000,
      );
      prompt[SHARED_PREFIX] = 5001 + (asked++ % 1000);
      const slot = acquire(engine, prompt, namespace);
      await feedPrompt(engine, slot, prompt.length, CHUNK, prompt);
      engine.release(slot);
    };
    await ask('known');
    const [freshMs = 0, reusedMs = 0] = await timeInTurns(bench.repeats, [
      () => ask(`new ${asked}`),
      () => ask('known'),
    ]);
    const ratio = freshMs / reusedMs;
    return { prefix: SHARED_PREFIX, question: QUESTION, freshMs, reusedMs, ratio };
  } finally {
    engine.close();
  }
}

function acquire(engine: OrtEngine, prompt: Int32Array, namespace: string): Slot {
  const slot = engine.acquire(prompt, 2048, namespace);
  if (!slot) throw new Error('no slot is free');
  return slot;
}

/** Feeds what is missing of a prompt; only the last token's logits are computed. */
async function feedPrompt(
  engine: OrtEngine,
  slot: Slot,
  length: number,
  chunk: number,
  tokens?: Int32Array,
): Promise<void> {
  while (slot.length < length) {
    const count = Math.min(chunk, length - slot.length);
    const last = slot.length + count === length;
    const row = chain(slot, count, engine.limits.vocabSize, last ? count - 1 : count);
    if (tokens) row.tokens.set(tokens.subarray(slot.length, slot.length + count));
    await feed(engine, row);
  }
}
