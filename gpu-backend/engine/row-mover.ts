/**
 * Moves rows of keys and values between two slots, or within one, on any device: one graph gathers
 * them and scatters them to their places, all of them in one run. It gathers everything before it
 * scatters anything.
 */
import { GraphBuilder } from '../builder/onnx.ts';
import { type Binding, InferenceSession, type SessionOptions } from '../ort/inference-session.ts';
import { Block, cpuDevice } from '../ort/tensor.ts';
import type { KvPlace, KvPool, KvShape } from './kv-pool.ts';

/** Rows of one run. */
const MAX_ROWS_MOVED = 512;
const BYTES_PER_INT64 = 8;

/** Rows of one slot that go to another, or elsewhere in it. */
export class Move {
  readonly from: KvPlace;
  readonly to: KvPlace;
  readonly sources: number[] = [];
  readonly targets: number[] = [];

  constructor(from: KvPlace, to: KvPlace) {
    this.from = from;
    this.to = to;
  }

  /** Adds a row if it can be a part of this move: not if the move writes the row that it reads. */
  add(from: KvPlace, to: KvPlace): boolean {
    const fits =
      isSlot(this.from, from) &&
      isSlot(this.to, to) &&
      this.sources.length < MAX_ROWS_MOVED &&
      !(isSlot(from, to) && this.targets.includes(from.token));
    if (!fits) return false;
    this.sources.push(from.token);
    this.targets.push(to.token);
    return true;
  }
}

export class RowMover {
  private readonly session: InferenceSession;
  private readonly binding: Binding;
  private readonly blocks: number;
  /** Rows of a token in one block: its key heads, where each has its rows together. */
  private readonly heads: number;
  /** Numbers that say where a row is. */
  private readonly coordinates: number;
  private readonly rows: Block;
  private readonly places: Block;

  private constructor(session: InferenceSession, { layers, heads }: KvShape) {
    this.session = session;
    this.binding = session.bind();
    this.blocks = 2 * layers;
    this.heads = heads ?? 1;
    this.coordinates = heads ? 3 : 2;
    const places = this.heads * this.coordinates * MAX_ROWS_MOVED;
    this.rows = new Block(cpuDevice(), MAX_ROWS_MOVED * BYTES_PER_INT64);
    this.places = new Block(cpuDevice(), places * BYTES_PER_INT64);
  }

  static async load(shape: KvShape, options: SessionOptions): Promise<RowMover> {
    const { layers, type, width, heads } = shape;
    const cache = (rows: string) => (heads ? [1, heads, rows, width / heads] : [1, rows, width]);
    const graph = new GraphBuilder('move');
    graph.input('rows', 'int64', ['N']);
    graph.input('places', 'int64', heads ? [1, heads, 'N', 3] : [1, 'N', 2]);
    const axis = heads ? 2 : 1;
    for (let block = 0; block < 2 * layers; block++) {
      graph.input(`from.${block}`, type, cache('A'));
      graph.input(`to.${block}`, type, cache('B'));
      const moved = graph.node('Gather', [`from.${block}`, 'rows'], `moved.${block}`, { axis });
      graph.node('ScatterND', [`to.${block}`, 'places', moved], `written.${block}`);
      graph.output(`written.${block}`, type, cache('B'));
    }
    return new RowMover(await InferenceSession.load(graph.encode(), '', options), shape);
  }

  async run({ from, to, sources, targets }: Move): Promise<void> {
    const { heads, coordinates } = this;
    const count = sources.length;
    this.fill(sources, targets);
    const rows = this.rows.tensor('int64', [count]);
    const shape = coordinates === 3 ? [1, heads, count, 3] : [1, count, 2];
    const places = this.places.tensor('int64', shape);
    try {
      this.binding.input('rows', rows);
      this.binding.input('places', places);
      const [read, written] = [viewOf(from.pool, from.slot), viewOf(to.pool, to.slot)];
      for (let block = 0; block < this.blocks; block++) {
        this.binding.input(`from.${block}`, read[block]!);
        this.binding.input(`to.${block}`, written[block]!);
        this.binding.output(`written.${block}`, written[block]!);
      }
      await this.session.run(this.binding);
    } finally {
      rows.release();
      places.release();
    }
  }

  release(): void {
    this.binding.release();
    this.session.release();
    this.rows.release();
    this.places.release();
  }

  private fill(sources: readonly number[], targets: readonly number[]): void {
    const rows = new BigInt64Array(this.rows.buffer);
    const places = new BigInt64Array(this.places.buffer);
    sources.forEach((source, i) => {
      rows[i] = BigInt(source);
    });
    let at = 0;
    for (let head = 0; head < this.heads; head++) {
      for (const target of targets) {
        places[at++] = 0n;
        if (this.coordinates === 3) places[at++] = BigInt(head);
        places[at++] = BigInt(target);
      }
    }
  }
}

/** The rows of a copy as moves: of `last`, the move before it, as far as they can be a part of it. */
export function movesOf(from: KvPlace, to: KvPlace, count: number, last?: Move): Move[] {
  const moves: Move[] = [];
  let current = last;
  for (let row = 0; row < count; row++) {
    const source = { ...from, token: from.token + row };
    const target = { ...to, token: to.token + row };
    if (current?.add(source, target)) continue;
    current = new Move(from, to);
    current.add(source, target);
    moves.push(current);
  }
  return moves;
}

export function isSlot(a: KvPlace, b: KvPlace): boolean {
  return a.pool === b.pool && a.slot === b.slot;
}

function viewOf(pool: KvPool, slot: number) {
  return pool.view(slot, 1, pool.stride);
}
