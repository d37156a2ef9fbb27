/**
 * The draft model in the worker: one session an isolate, one cache a turn.
 *
 * Cache rows never move: a row that is free is written again, and the mask says
 * who sees it. Rotary positions are in the keys, so the order of rows means
 * nothing. Inputs are copied into WebAssembly's memory at every pass, outputs
 * out of it: at a thousand rows of this model about a megabyte.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import type { Superposition } from '../../draft/superposed.ts';
import type { DraftFacts } from '../../store/drafts.ts';

/** Additive value of what a row does not see; finite, as −∞ gives NaN. */
const MASKED = -1e4;
const FREE = 0;
const HELD = 1;
const COMMITTED = 2;

/** Of ONNX Runtime's session, what is used here. */
export interface EdgeSession {
  run(feeds: InferenceSession.FeedsType): Promise<InferenceSession.ReturnType>;
}

export interface EdgeModel {
  readonly facts: DraftFacts;
  readonly session: EdgeSession;
  readonly Tensor: typeof Tensor;
}

/** A token to be read, or a superposition of several. */
export interface Reading {
  token: number | Superposition;
  position: number;
  /** Its place in the cache, from `reserve`. */
  row: number;
  /** Places of what it sees beside committed rows and itself; those of this pass included. */
  sees: readonly number[];
  /** Whether all that come later see it. */
  committed: boolean;
}

export class EdgeCache {
  private readonly model: EdgeModel;
  private readonly keys: Float32Array[];
  private readonly values: Float32Array[];
  private readonly state: Uint8Array;
  /** Rows from here on were never written. */
  private high = 0;

  /** @param capacity tokens that it holds, committed and not */
  constructor(model: EdgeModel, capacity: number) {
    const { layers, width } = model.facts;
    const fresh = () => Array.from({ length: layers }, () => new Float32Array(capacity * width));
    this.model = model;
    this.keys = fresh();
    this.values = fresh();
    this.state = new Uint8Array(capacity);
  }

  /** A free place, or -1 when there is none. */
  reserve(): number {
    const row = this.state.indexOf(FREE);
    if (row < 0) return -1;
    this.state[row] = HELD;
    if (row >= this.high) this.high = row + 1;
    return row;
  }

  release(row: number): void {
    this.state[row] = FREE;
  }

  settle(row: number): void {
    this.state[row] = COMMITTED;
  }

  /**
   * One forward pass over `readings`; returns the logits of those that `wanted`
   * indexes, [wanted, vocab]. One at a time.
   */
  async read(readings: readonly Reading[], wanted: readonly number[]): Promise<Float32Array> {
    const { Tensor, session, facts } = this.model;
    const count = readings.length;
    const past = this.high;
    const feeds: Record<string, InstanceType<typeof Tensor>> = {
      ...this.inputs(readings),
      position_ids: longs(readings.map(({ position }) => position)),
      mask: new Tensor('float32', this.mask(readings, past), [1, 1, count, past + count]),
      logit_rows: new Tensor('int64', BigInt64Array.from(wanted, BigInt), [wanted.length]),
    };
    const shape = [1, past, facts.width];
    for (let layer = 0; layer < facts.layers; layer++) {
      const end = past * facts.width;
      feeds[`key.${layer}`] = new Tensor('float32', this.keys[layer]!.subarray(0, end), shape);
      feeds[`value.${layer}`] = new Tensor('float32', this.values[layer]!.subarray(0, end), shape);
    }
    const results = await session.run(feeds);
    for (let layer = 0; layer < facts.layers; layer++) {
      this.keep(this.keys[layer]!, results[`key_new.${layer}`]!.data as Float32Array, readings);
      this.keep(this.values[layer]!, results[`value_new.${layer}`]!.data as Float32Array, readings);
    }
    for (const { row, committed } of readings) if (committed) this.state[row] = COMMITTED;
    return results.logits!.data as Float32Array;

    function longs(numbers: readonly number[]) {
      return new Tensor('int64', BigInt64Array.from(numbers, BigInt), [1, numbers.length]);
    }
  }

  /** Tokens and weights by row, filled up with tokens that weigh nothing. */
  private inputs(readings: readonly Reading[]) {
    const { Tensor } = this.model;
    const parts = readings.map(({ token }) => (typeof token === 'number' ? alone(token) : token));
    const most = Math.max(...parts.map(({ tokens }) => tokens.length));
    const ids = new BigInt64Array(parts.length * most);
    const weights = new Float32Array(parts.length * most);
    parts.forEach((part, row) => {
      for (let i = 0; i < part.tokens.length; i++) {
        ids[row * most + i] = BigInt(part.tokens[i]!);
        weights[row * most + i] = part.weights[i]!;
      }
    });
    const shape = [parts.length, most];
    return {
      input_ids: new Tensor('int64', ids, shape),
      weights: new Tensor('float32', weights, shape),
    };
  }

  /** Who sees what: cached rows first, then the new ones. */
  private mask(readings: readonly Reading[], past: number): Float32Array {
    const count = readings.length;
    const width = past + count;
    const base = new Float32Array(width).fill(MASKED);
    for (let row = 0; row < past; row++) if (this.state[row] === COMMITTED) base[row] = 0;
    const column = new Map(readings.map(({ row }, i) => [row, past + i]));
    const mask = new Float32Array(count * width);
    readings.forEach(({ sees, committed }, i) => {
      mask.set(base, i * width);
      for (const row of sees) mask[i * width + (column.get(row) ?? row)] = 0;
      mask[i * width + past + i] = 0;
      if (committed) base[past + i] = 0;
    });
    return mask;
  }

  private keep(cache: Float32Array, fresh: Float32Array, readings: readonly Reading[]): void {
    const { width } = this.model.facts;
    readings.forEach(({ row }, i) => {
      cache.set(fresh.subarray(i * width, (i + 1) * width), row * width);
    });
  }
}

function alone(token: number): Superposition {
  return { tokens: [token], weights: [1] };
}
