/** Moves rows of keys and values that lie by heads: every copy is a move. */
import type { SessionOptions } from '../ort/inference-session.ts';
import type { KvCopier } from './kv-copy.ts';
import type { KvPlace, KvShape } from './kv-pool.ts';
import { type Move, movesOf, RowMover } from './row-mover.ts';

export class HeadsCopier implements KvCopier {
  private readonly mover: RowMover;
  private readonly queue: Move[] = [];

  private constructor(mover: RowMover) {
    this.mover = mover;
  }

  static async load(shape: KvShape, options: SessionOptions): Promise<HeadsCopier> {
    return new HeadsCopier(await RowMover.load(shape, options));
  }

  copy(from: KvPlace, to: KvPlace, count: number): void {
    this.queue.push(...movesOf(from, to, count, this.queue.at(-1)));
  }

  /** GroupQueryAttention reads rows that were written, and none behind them. */
  clear(): void {}

  async flush(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) await this.mover.run(next);
  }

  release(): void {
    this.mover.release();
  }
}
