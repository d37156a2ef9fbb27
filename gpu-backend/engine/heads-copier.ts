/**
 * Moves rows of keys and values that lie by heads, on any device: one graph gathers them and
 * scatters them to their places, all moves between two slots in one run. A run gathers
 * everything before it scatters anything.
 */
import { GraphBuilder } from '../builder/onnx.ts';
import { type Binding, InferenceSession, type SessionOptions } from '../ort/inference-session.ts';
import { Block, cpuDevice } from '../ort/tensor.ts';
import type { KvCopier, KvPlace } from './kv-copy.ts';
import type { KvPool, KvShape } from './kv-pool.ts';

/** Rows of one run. */
const MAX_ROWS_MOVED = 512;
const BYTES_PER_INT64 = 8;
/** An index of ScatterND: batch, head, row. */
const COORDINATES = 3;

interface Move {
  from: KvPlace;
  to: KvPlace;
  /** Rows of `from`, and where in `to` each goes. */
  sources: number[];
  targets: number[];
}

export class HeadsCopier implements KvCopier {
  private readonly session: InferenceSession;
  private readonly binding: Binding;
  private readonly blocks: number;
  private readonly heads: number;
  private readonly rows: Block;
  private readonly places: Block;
  private readonly queue: Move[] = [];

  private constructor(session: InferenceSession, blocks: number, heads: number) {
    this.session = session;
    this.binding = session.bind();
    this.blocks = blocks;
    this.heads = heads;
    this.rows = new Block(cpuDevice(), MAX_ROWS_MOVED * BYTES_PER_INT64);
    this.places = new Block(cpuDevice(), heads * MAX_ROWS_MOVED * COORDINATES * BYTES_PER_INT64);
  }

  static async load(
    { layers, type, width }: KvShape,
    heads: number,
    options: SessionOptions,
  ): Promise<HeadsCopier> {
    const graph = new GraphBuilder('move');
    const blocks = 2 * layers;
    graph.input('rows', 'int64', ['N']);
    graph.input('places', 'int64', [1, heads, 'N', COORDINATES]);
    for (let block = 0; block < blocks; block++) {
      graph.input(`from.${block}`, type, [1, heads, 'A', width / heads]);
      graph.input(`to.${block}`, type, [1, heads, 'B', width / heads]);
      const moved = graph.node('Gather', [`from.${block}`, 'rows'], `moved.${block}`, { axis: 2 });
      graph.node('ScatterND', [`to.${block}`, 'places', moved], `written.${block}`);
      graph.output(`written.${block}`, type, [1, heads, 'B', width / heads]);
    }
    return new HeadsCopier(await InferenceSession.load(graph.encode(), '', options), blocks, heads);
  }

  copy(from: KvPlace, to: KvPlace, count: number): void {
    for (let row = 0; row < count; row++) {
      const move = this.moveFor(from, to, from.token + row);
      move.sources.push(from.token + row);
      move.targets.push(to.token + row);
    }
  }

  /** GroupQueryAttention reads rows that were written, and none behind them. */
  clear(): void {}

  async flush(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) await this.run(next);
  }

  release(): void {
    this.binding.release();
    this.session.release();
    this.rows.release();
    this.places.release();
  }

  /** The last move, where this row can be a part of it: not if it is one that the move writes. */
  private moveFor(from: KvPlace, to: KvPlace, source: number): Move {
    const last = this.queue.at(-1);
    const joins =
      last !== undefined &&
      isSlot(last.from, from) &&
      isSlot(last.to, to) &&
      last.sources.length < MAX_ROWS_MOVED &&
      !(isSlot(from, to) && last.targets.includes(source));
    if (joins) return last;
    const move: Move = { from, to, sources: [], targets: [] };
    this.queue.push(move);
    return move;
  }

  private async run({ from, to, sources, targets }: Move): Promise<void> {
    const count = sources.length;
    this.fill(sources, targets);
    const rows = this.rows.tensor('int64', [count]);
    const places = this.places.tensor('int64', [1, this.heads, count, COORDINATES]);
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
        places[at++] = BigInt(head);
        places[at++] = BigInt(target);
      }
    }
  }
}

function isSlot(a: KvPlace, b: KvPlace): boolean {
  return a.pool === b.pool && a.slot === b.slot;
}

function viewOf(pool: KvPool, slot: number) {
  return pool.view(slot, 1, pool.stride);
}
