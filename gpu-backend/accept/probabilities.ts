/** The target's distribution as the warpers leave it, for rules that need its probabilities and not only a draw. */
import { argmax } from '../logits/largest.ts';
import type { Nucleus, Warp } from './warp.ts';

export class Probabilities {
  readonly warp: Warp;
  private readonly nucleus: Nucleus;
  private readonly buffer: Float64Array;

  constructor(warp: Warp, nucleus: Nucleus, vocabSize: number) {
    this.warp = warp;
    this.nucleus = nucleus;
    this.buffer = new Float64Array(vocabSize);
  }

  /**
   * By token, sums to 1, valid until the next call. At temperature 0 it is all on the
   * likeliest token, the lowest id among equals. O(V).
   */
  of(logits: Float32Array): Float64Array {
    const { buffer, warp } = this;
    buffer.fill(0);
    const best = argmax(logits);
    const { temperature, topK, topP, minP = 0 } = warp;
    if (temperature === 0) {
      buffer[best] = 1;
      return buffer;
    }
    const max = logits[best]!;
    let sum = 0;
    if (topK > 0 || topP < 1 || minP > 0) {
      for (const id of this.nucleus.select(logits, max, warp)) {
        sum += buffer[id] = Math.exp((logits[id]! - max) / temperature);
      }
    } else {
      for (let id = 0; id < logits.length; id++) {
        sum += buffer[id] = Math.exp((logits[id]! - max) / temperature);
      }
    }
    for (let id = 0; id < buffer.length; id++) buffer[id]! /= sum;
    return buffer;
  }
}
