/**
 * The order of query heads in memory. Fused attention takes the heads of one key head as rows of
 * it, the group first: rows of [group, kvHeads] heads. Checkpoints have [kvHeads, group], so a
 * step turns queries and what was attended, two launches a layer on CUDA. Where the matrices
 * before and after attention are loaded in the other order, nothing is left to turn.
 */
import type { DecoderConfig } from './config.ts';
import type { WeightLayout } from './convert.ts';
import { BLOCK_SIZE } from './linear/blocks.ts';
import type { StoredMatrix } from './linear/stored-matrix.ts';

/** How a matrix is to be loaded. `rows`: its first rows are heads, one after another; `columns`: its columns are. */
export type TurnedSide = 'rows' | 'columns';

export class HeadOrder {
  private readonly config: DecoderConfig;
  private readonly sides = new Map<string, TurnedSide>();
  private readonly layers = new Set<string>();

  /** Of a model whose attention folds heads. */
  constructor(config: DecoderConfig, { matrices }: WeightLayout) {
    this.config = config;
    if (config.heads === config.kvHeads) return;
    for (const name of Object.keys(matrices)) {
      const at = /^(.+\.self_attn)\.o_proj\.weight$/.exec(name)?.[1];
      if (at === undefined) continue;
      const before = ['qkv_proj', 'q_proj']
        .map((part) => `${at}.${part}.weight`)
        .find((each) => each in matrices);
      if (before === undefined || !this.isTurnable(matrices[before]!, matrices[name]!)) continue;
      this.sides.set(before, 'rows').set(name, 'columns');
      this.layers.add(at);
    }
  }

  /** Whether the queries of the attention named `at`, "….self_attn", come out in a group's order. */
  isTurned(at: string): boolean {
    return this.layers.has(at);
  }

  /** undefined where a matrix is loaded as it lies. */
  sideOf(matrix: string): TurnedSide | undefined {
    return this.sides.get(matrix);
  }

  /** The checkpoint's head that comes at `place`. */
  headAt(place: number): number {
    const { heads, kvHeads } = this.config;
    return (place % kvHeads) * (heads / kvHeads) + Math.floor(place / kvHeads);
  }

  /** The checkpoint's rows of a matrix turned by `rows`, in the order in which they are loaded. */
  rowsOf(count: number): number[] {
    const { heads, headDim } = this.config;
    return Array.from({ length: count }, (_, row) => {
      const place = Math.floor(row / headDim);
      return place < heads ? this.headAt(place) * headDim + (row % headDim) : row;
    });
  }

  /** Heads must be whole bytes of each part, and whole blocks. */
  private isTurnable(before: StoredMatrix, after: StoredMatrix): boolean {
    const { heads, headDim } = this.config;
    if (before.form === 'columns8' || after.form === 'columns8') return false;
    const out = after.shape[0];
    const whole = Object.values(after.parts).every(({ bytes }) => (bytes / out) % heads === 0);
    return whole && (after.form === 'dense' || headDim % BLOCK_SIZE === 0);
  }
}
