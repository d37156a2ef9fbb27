/** The draft model read from beginning to end, one place after the other: no tree, nothing taken back. */
import type { Superposition } from '../../draft/superposed.ts';
import { nextTurn } from '../../pause.ts';
import { CONTEXT_CHUNK } from './edge-drafter.ts';
import { EdgeCache, type EdgeModel, type Reading } from './edge-model.ts';

export class EdgeReader {
  /** Forward passes so far. */
  passes = 0;
  private readonly cache: EdgeCache;
  private position = 0;

  /** @param capacity tokens and superpositions that it will read */
  constructor(model: EdgeModel, capacity: number) {
    this.cache = new EdgeCache(model, Math.min(capacity, model.facts.positions));
  }

  /** The logits after a text, in passes between which events come in. */
  async readText(text: Int32Array): Promise<Float32Array> {
    let logits: Float32Array = new Float32Array(0);
    for (let at = 0; at < text.length; at += CONTEXT_CHUNK) {
      const chunk = text.subarray(at, at + CONTEXT_CHUNK);
      const isLast = at + CONTEXT_CHUNK >= text.length;
      const readings = Array.from(chunk, (token) => this.next(token));
      logits = await this.pass(readings, isLast ? [readings.length - 1] : []);
      await nextTurn();
    }
    return logits;
  }

  /** The logits after one more token, or after several read as one. */
  read(token: number | Superposition): Promise<Float32Array> {
    return this.pass([this.next(token)], [0]);
  }

  private next(token: number | Superposition): Reading {
    const row = this.cache.reserve();
    if (row < 0) throw new RangeError('the cache is full: give the reader more capacity');
    return { token, position: this.position++, row, sees: [], committed: true };
  }

  private pass(readings: Reading[], wanted: number[]): Promise<Float32Array> {
    this.passes++;
    return this.cache.read(readings, wanted);
  }
}
