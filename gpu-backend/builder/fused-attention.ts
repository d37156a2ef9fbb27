/**
 * Attention as ONNX's operator of that name: one kernel, the quickest on CUDA. Its
 * sums go through the cache in pieces that know nothing of masks, so a row's result
 * depends in its last bits on where its ancestors lie.
 */
import type { AttentionKernel, NewRows } from './attention-kernel.ts';
import { CacheWriter } from './cache-writer.ts';
import type { DecoderConfig } from './config.ts';
import type { DecoderOptions } from './decoder-options.ts';
import type { GraphBuilder } from './onnx.ts';
import type { ComputeType } from './tensor-reader.ts';

export class FusedAttention implements AttentionKernel {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private readonly caches: CacheWriter;
  private readonly batchedLanes: boolean;
  /** Query heads that are rows of one key head. */
  private readonly group: number;

  constructor(
    graph: GraphBuilder,
    config: DecoderConfig,
    compute: ComputeType,
    options: DecoderOptions,
  ) {
    this.graph = graph;
    this.config = config;
    this.batchedLanes = options.batchedLanes ?? false;
    this.caches = new CacheWriter(graph, config, compute, this.batchedLanes);
    this.group = options.foldHeads ? config.heads / config.kvHeads : 1;
  }

  addLane(lane: number): void {
    const { graph, group } = this;
    this.caches.addLane(lane);
    if (this.batchedLanes) graph.input(`length.${lane}`, 'int64', [`B${lane}`]);
    if (group === 1) return;
    // Each row as often as a key head has query heads: [B, 1, S · group, M].
    const rows = graph.reshape(`mask.${lane}`, [0, -1, 1, 0], 'rows');
    const copies = Array<string>(group).fill(rows);
    const repeated = graph.node('Concat', copies, `mask_rows.${lane}`, { axis: 2 });
    graph.node('Reshape', [repeated, graph.integers([0, 1, -1, 0])], `mask_folded.${lane}`);
  }

  attend(cache: number, lane: number, [query, ...rows]: NewRows, turned: boolean): string {
    const { heads, kvHeads, headDim } = this.config;
    const [keys, values] = this.caches.write(cache, lane, rows);
    const folded = this.group > 1;
    const mask = folded ? `mask_folded.${lane}` : `mask.${lane}`;
    const attended = this.graph.node(
      'Attention',
      [folded ? this.fold(query, turned) : query, keys, values, mask, ...this.lengths(lane)],
      `attended.${cache}.${lane}`,
      { q_num_heads: heads / this.group, kv_num_heads: kvHeads },
    );
    const unfolded = folded ? this.unfold(attended, turned) : attended;
    if (!this.batchedLanes) return unfolded;
    return this.graph.reshape(unfolded, [1, -1, heads * headDim], 'packed');
  }

  /**
   * Past caches, which are none, and the rows that count. The cache of one slot is cut as long as
   * it must be and the mask says the rest: CUDA takes two launches fewer without lengths.
   */
  private lengths(lane: number): string[] {
    return this.batchedLanes ? ['', '', `length.${lane}`] : [];
  }

  /** [B, S, heads · headDim] → [B, S · group, kvHeads · headDim]. */
  private fold(query: string, turned: boolean): string {
    const { kvHeads, headDim } = this.config;
    const inOrder = turned ? query : this.turn(query, [kvHeads, this.group]);
    return this.graph.reshape(inOrder, [0, -1, kvHeads * headDim], 'folded');
  }

  /** The inverse of `fold`. */
  private unfold(attended: string, turned: boolean): string {
    const { heads, kvHeads, headDim } = this.config;
    const byRow = [0, -1, heads * headDim];
    if (turned) return this.graph.reshape(attended, byRow, 'unfolded');
    const rows = this.graph.reshape(attended, byRow, 'by_row');
    return this.graph.reshape(this.turn(rows, [this.group, kvHeads]), byRow, 'unfolded');
  }

  /** Heads of [B, S, …] that are [outer, inner] as [inner, outer]: [B, S, inner, outer, headDim]. */
  private turn(rows: string, [outer, inner]: readonly [number, number]): string {
    const { headDim } = this.config;
    const byHead = this.graph.reshape(rows, [0, 0, outer, inner, headDim], 'heads');
    return this.graph.node('Transpose', [byHead], `${rows}.turned`, { perm: [0, 1, 3, 2, 4] });
  }
}
