/** The attention part of a decoder layer: projections, rotary embedding, caches, and the lanes. */
import type { AttentionKernel } from './attention-kernel.ts';
import type { DecoderConfig } from './config.ts';
import type { DecoderOptions } from './decoder-options.ts';
import { ExactAttention } from './exact-attention.ts';
import { FusedAttention } from './fused-attention.ts';
import { GroupedAttention } from './grouped-attention.ts';
import { JoinedRotary } from './joined-rotary.ts';
import type { GraphBuilder } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * The additive value of a masked position. Finite, since −inf gives NaN in rows
 * that see nothing. In float32 it is so large that a score vanishes beside it.
 */
export const MASKED = { float32: -1e30, float16: -6e4 } as const;

export class AttentionGraph {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private readonly weights: Weights;
  private readonly options: DecoderOptions;
  private readonly kernel: AttentionKernel;
  private readonly joinedRotary: JoinedRotary;

  constructor(
    graph: GraphBuilder,
    config: DecoderConfig,
    weights: Weights,
    options: DecoderOptions,
  ) {
    this.graph = graph;
    this.config = config;
    this.weights = weights;
    this.options = options;
    this.joinedRotary = new JoinedRotary(graph, config);
    switch (options.attention) {
      case 'exact':
        this.kernel = new ExactAttention(
          graph,
          config,
          weights.compute,
          options.batchedLanes ?? false,
        );
        break;
      case 'fused':
        this.kernel = new FusedAttention(graph, config, weights.compute, options);
        break;
      case 'grouped':
        this.kernel = new GroupedAttention(graph, config, weights.compute);
    }
  }

  /** What all layers share: rotary tables, and each lane's mask and places. */
  addInputs(): void {
    const { graph, options, weights } = this;
    weights.rope(graph);
    if (options.lanes > 1) graph.input('lane_rows', 'int64', [options.lanes]);
    for (let lane = 0; lane < options.lanes; lane++) {
      const batch = this.batch(lane);
      graph.input(`mask.${lane}`, weights.compute, [batch, 1, `S${lane}`, `M${lane}`]);
      if (options.batchedLanes) graph.input(`shape.${lane}`, 'int64', [3]);
      this.kernel.addLane(lane);
    }
  }

  /** Attention of one layer over all lanes, with the caches of number `cache`; returns the block's output, [1, T, hidden]. */
  add(input: string, layer: number, cache: number): string {
    const { graph, weights, options } = this;
    const { heads, kvHeads, headDim } = this.config;
    const at = `model.layers.${layer}.self_attn`;
    const value = `new_value.${layer}`;
    let query = `query.${layer}`;
    let key = `new_key.${layer}`;
    const sizes = [heads, kvHeads, kvHeads].map((count) => count * headDim);
    if (this.rotatesJoined(at)) {
      const joined = weights.linear(graph, input, `${at}.qkv_proj`, `${query}.joined`);
      const outputs = [query, key, value];
      graph.split(this.joinedRotary.rotate(joined), outputs, sizes);
    } else {
      weights.joined(graph, input, `${at}.qkv_proj`, [query, key, value], sizes);
      if (this.config.queryKeyNorm) {
        query = this.headNorm(query, `${at}.q_norm`, heads);
        key = this.headNorm(key, `${at}.k_norm`, kvHeads);
      }
      query = this.rotate(query, heads);
      key = this.rotate(key, kvHeads);
    }
    const queries = this.split(query);
    const keys = this.split(key);
    const values = this.split(value);
    const turned = options.headOrder?.isTurned(at) ?? false;
    const outputs = queries.map((laneQuery, lane) =>
      this.kernel.attend(cache, lane, [laneQuery, keys[lane]!, values[lane]!], turned),
    );
    const attended =
      options.lanes === 1
        ? outputs[0]!
        : graph.node('Concat', outputs, `attended.${layer}`, { axis: 1 });
    return weights.linear(graph, attended, `${at}.o_proj`, `attention_out.${layer}`);
  }

  /** The rows of each lane: [1, S, width], or [B, S, width] where lanes are batched. */
  private split(packed: string): string[] {
    const { lanes, batchedLanes } = this.options;
    const parts = Array.from({ length: lanes }, (_, lane) => `${packed}.${lane}`);
    if (lanes > 1) this.graph.nodeWithOutputs('Split', [packed, 'lane_rows'], parts, { axis: 1 });
    else parts[0] = packed;
    if (!batchedLanes) return parts;
    return parts.map((part, lane) =>
      this.graph.node('Reshape', [part, `shape.${lane}`], `${packed}.batched.${lane}`),
    );
  }

  /** Norms of heads come between the product and the rotation. */
  private rotatesJoined(at: string): boolean {
    const { options, config, weights } = this;
    return (
      options.attention === 'fused' && !config.queryKeyNorm && weights.isJoined(`${at}.qkv_proj`)
    );
  }

  private rotate(input: string, heads: number): string {
    return this.graph.node(
      'RotaryEmbedding',
      [input, 'rope_cos', 'rope_sin', 'position_ids'],
      `${input}.rotated`,
      { num_heads: heads },
    );
  }

  /** RMS norm over each head's own dimensions (Qwen3). */
  private headNorm(input: string, weight: string, heads: number): string {
    const { graph, weights, config } = this;
    const byHead = this.graph.reshape(input, [0, 0, heads, config.headDim], 'heads_to_norm');
    const normed = graph.node(
      'SimplifiedLayerNormalization',
      [byHead, weights.vector(graph, `${weight}.weight`)],
      `${input}.head_norm`,
      { axis: -1, epsilon: { float: config.normEpsilon }, stash_type: 1 },
    );
    return this.graph.reshape(normed, [0, 0, heads * config.headDim], 'merged');
  }

  private batch(lane: number): string | number {
    return this.options.batchedLanes ? `B${lane}` : 1;
  }
}
