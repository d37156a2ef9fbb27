/** Drives an engine the way tests want it: chains, trees and sequential decoding in a few words. */
import type { Engine, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';

export function chainRow(slot: Slot, tokens: ArrayLike<number>, logitsFrom = 0): StepRow {
  const parents = Array.from({ length: tokens.length }, (_, i) => i - 1);
  return treeRow(slot, tokens, parents, logitsFrom);
}

export function treeRow(
  slot: Slot,
  tokens: ArrayLike<number>,
  parents: ArrayLike<number>,
  logitsFrom = 0,
): StepRow {
  return {
    slot,
    count: tokens.length,
    tokens: Int32Array.from(tokens),
    parents: Int16Array.from(parents),
    logitsFrom,
    logits: new Float32Array(0),
  };
}

/** Feeds and commits `tokens`; returns a copy of the last one's logits. */
export async function feed(
  engine: Engine,
  slot: Slot,
  tokens: ArrayLike<number>,
): Promise<Float32Array> {
  const row = chainRow(slot, tokens, tokens.length - 1);
  await engine.step([row]);
  const logits = row.logits.slice();
  engine.commit(slot, upTo(tokens.length), tokens.length);
  return logits;
}

/** The logits after each token of `text`, one token a step, in a slot of its own. */
export async function sequentialLogits(engine: Engine, text: number[]): Promise<Float32Array[]> {
  const slot = engine.acquire(Int32Array.from(text), text.length, `sequential ${text.length}`);
  if (!slot) throw new Error('no slot for the reference');
  const out: Float32Array[] = [];
  for (let i = slot.length; i < text.length; i++) out[i] = await feed(engine, slot, [text[i]!]);
  engine.release(slot);
  return out;
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = difference; // NaN counts as worst
  }
  return a.length === b.length ? worst : Number.POSITIVE_INFINITY;
}

/** A small deterministic generator: integers below `n`. */
export function randomIntegers(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}
