/** The attention part of a decoder layer: projections, rotary embedding, caches, and the lanes. */
import type { DecoderConfig } from './config.ts';
import type { DecoderOptions } from './decoder.ts';
import type { GraphBuilder } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * The additive value of a masked position. Finite, since −inf gives NaN in rows
 * that see nothing, and within float16's range.
 */
export const MASKED = -1e4;

/** Names of one layer's cache tensors in one lane: keys, then values. */
export function cacheNames(layer: number, lane: number) {
  return [
    { input: `key.${layer}.${lane}`, output: `key_out.${layer}.${lane}` },
    { input: `value.${layer}.${lane}`, output: `value_out.${layer}.${lane}` },
  ] as const;
}

export class AttentionGraph {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private readonly weights: Weights;
  private readonly options: DecoderOptions;
  /** Query heads that share a key head. */
  private readonly group: number;
  private readonly shapes = new Set<string>();

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
    this.group = options.foldHeads ? config.heads / config.kvHeads : 1;
  }

  /** What all layers share: rotary tables, and each lane's mask, places and lengths. */
  addInputs(): void {
    const { graph, options, weights } = this;
    weights.rope(graph);
    if (options.lanes > 1) graph.input('lane_rows', 'int64', [options.lanes]);
    for (let lane = 0; lane < options.lanes; lane++) {
      const batch = this.batch(lane);
      const mask = graph.input(`mask.${lane}`, weights.compute, [batch, 1, `S${lane}`, `M${lane}`]);
      graph.input(`write.${lane}`, 'int64', [batch]);
      graph.input(`length.${lane}`, 'int64', [batch]);
      if (options.batchedLanes) graph.input(`shape.${lane}`, 'int64', [3]);
      if (this.group > 1) {
        const copies = Array<string>(this.group).fill(mask);
        graph.node('Concat', copies, `mask_folded.${lane}`, { axis: 2 });
      }
    }
  }

  /** Attention of one layer over all lanes; returns the block's output, [1, T, hidden]. */
  add(input: string, layer: number): string {
    const { graph, weights, options } = this;
    const { heads, kvHeads } = this.config;
    const at = `model.layers.${layer}.self_attn`;
    let query = weights.linear(graph, input, `${at}.q_proj`, `query.${layer}`);
    let key = weights.linear(graph, input, `${at}.k_proj`, `new_key.${layer}`);
    const value = weights.linear(graph, input, `${at}.v_proj`, `new_value.${layer}`);
    if (this.config.queryKeyNorm) {
      query = this.headNorm(query, `${at}.q_norm`, heads);
      key = this.headNorm(key, `${at}.k_norm`, kvHeads);
    }
    const queries = this.split(this.rotate(query, heads));
    const keys = this.split(this.rotate(key, kvHeads));
    const values = this.split(value);
    const outputs = queries.map((laneQuery, lane) =>
      this.attend(layer, lane, laneQuery, keys[lane]!, values[lane]!),
    );
    const attended =
      options.lanes === 1
        ? outputs[0]!
        : graph.node('Concat', outputs, `attended.${layer}`, { axis: 1 });
    return weights.linear(graph, attended, `${at}.o_proj`, `attention_out.${layer}`);
  }

  /** Writes the lane's new rows into its caches and reads them; [1, B · S, heads · headDim]. */
  private attend(layer: number, lane: number, query: string, key: string, value: string): string {
    const { graph, weights, options } = this;
    const { heads, kvHeads, headDim } = this.config;
    const shape = [this.batch(lane), `M${lane}`, kvHeads * headDim];
    const [keys, values] = cacheNames(layer, lane);
    const updated = ([names, rows]: readonly [{ input: string; output: string }, string]) => {
      graph.input(names.input, weights.compute, shape);
      graph.node('TensorScatter', [names.input, rows, `write.${lane}`], names.output, { axis: 1 });
      return graph.output(names.output, weights.compute, shape);
    };
    const folded = this.group > 1;
    const attended = graph.node(
      'Attention',
      [
        folded ? this.fold(query) : query,
        updated([keys, key]),
        updated([values, value]),
        folded ? `mask_folded.${lane}` : `mask.${lane}`,
        '',
        '',
        `length.${lane}`,
      ],
      `attended.${layer}.${lane}`,
      { q_num_heads: heads / this.group, kv_num_heads: kvHeads },
    );
    const unfolded = folded ? this.unfold(attended) : attended;
    if (!options.batchedLanes) return unfolded;
    return this.reshape(unfolded, [1, -1, heads * headDim], 'packed');
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

  /** [B, S, heads · headDim] → [B, group · S, kvHeads · headDim]. */
  private fold(query: string): string {
    const { kvHeads, headDim } = this.config;
    const byHead = this.reshape(query, [0, 0, kvHeads, this.group, headDim], 'heads');
    const turned = this.graph.node('Transpose', [byHead], `${query}.turned`, {
      perm: [0, 3, 1, 2, 4],
    });
    return this.reshape(turned, [0, -1, kvHeads * headDim], 'folded');
  }

  /** The inverse of `fold`. */
  private unfold(attended: string): string {
    const { heads, kvHeads, headDim } = this.config;
    const byGroup = this.reshape(attended, [0, this.group, -1, kvHeads, headDim], 'groups');
    const turned = this.graph.node('Transpose', [byGroup], `${attended}.turned`, {
      perm: [0, 2, 3, 1, 4],
    });
    return this.reshape(turned, [0, 0, heads * headDim], 'unfolded');
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
    const byHead = this.reshape(input, [0, 0, heads, config.headDim], 'heads_to_norm');
    const normed = graph.node(
      'SimplifiedLayerNormalization',
      [byHead, weights.vector(graph, `${weight}.weight`)],
      `${input}.head_norm`,
      { axis: -1, epsilon: { float: config.normEpsilon }, stash_type: 1 },
    );
    return this.reshape(normed, [0, 0, heads * config.headDim], 'merged');
  }

  /** 0 keeps a dimension, -1 takes what is left. */
  private reshape(input: string, shape: readonly number[], suffix: string): string {
    const name = `shape.${shape.join('x')}`;
    if (!this.shapes.has(name)) {
      this.graph.constant(name, 'int64', [shape.length], BigInt64Array.from(shape, BigInt));
      this.shapes.add(name);
    }
    return this.graph.node('Reshape', [input, name], `${input}.${suffix}`);
  }

  private batch(lane: number): string | number {
    return this.options.batchedLanes ? `B${lane}` : 1;
  }
}
