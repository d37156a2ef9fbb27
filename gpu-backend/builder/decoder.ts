/**
 * The verifier's graph: a Llama-family decoder that reads trees of tokens from
 * several sessions at once and updates their KV caches in place.
 *
 * Linear layers see the rows of all sessions as one packed sequence, so ragged
 * trees cost no padding. Attention is done lane by lane: a lane is one session's
 * cache, given as a tensor exactly as long as its context needs, because on a
 * CPU the cost of attention follows that length and not the mask. Masks are
 * additive floats: ancestors 0, everything else `MASKED`.
 *
 * Inputs   input_ids, position_ids [1, T]; logit_rows [R]; with several lanes,
 *          lane_rows [lanes]; per lane i: mask.i [1, 1, S, M], write.i [1],
 *          length.i [1], and per layer l key.l.i, value.l.i [1, M, kvHeads · headDim]
 * Outputs  logits [1, R, vocab] float32; key_out.l.i, value_out.l.i, to be bound
 *          to the same memory as the inputs; optionally hidden [1, R, hiddenSize]
 */
import type { DecoderConfig } from './config.ts';
import { GraphBuilder, MICROSOFT } from './onnx.ts';
import type { Weights } from './weights.ts';

/**
 * The additive value of a masked position. Finite, since −inf gives NaN in rows
 * that see nothing yet, and within float16's range.
 */
export const MASKED = -1e4;

export interface DecoderOptions {
  /** Sessions that can go through one run. */
  lanes: number;
  /** Also give the last hidden state of the rows whose logits are wanted. */
  hiddenOutput?: boolean;
}

/** The serialised graph; its initializers point into the files that `weights` names. */
export function buildDecoder(
  config: DecoderConfig,
  weights: Weights,
  options: DecoderOptions,
): Uint8Array {
  return new DecoderGraph(config, weights, options).build();
}

/** Names of one layer's cache tensors in one lane. */
export function cacheNames(layer: number, lane: number) {
  const of = (name: string) => `${name}.${layer}.${lane}`;
  return [
    { input: of('key'), output: of('key_out') },
    { input: of('value'), output: of('value_out') },
  ] as const;
}

class DecoderGraph {
  private readonly graph = new GraphBuilder('decoder');
  private readonly config: DecoderConfig;
  private readonly weights: Weights;
  private readonly options: DecoderOptions;

  constructor(config: DecoderConfig, weights: Weights, options: DecoderOptions) {
    this.config = config;
    this.weights = weights;
    this.options = options;
  }

  build(): Uint8Array {
    const { graph, config, weights, options } = this;
    const { compute } = weights;
    graph.input('input_ids', 'int64', [1, 'T']);
    graph.input('position_ids', 'int64', [1, 'T']);
    graph.input('logit_rows', 'int64', ['R']);
    if (options.lanes > 1) graph.input('lane_rows', 'int64', [options.lanes]);
    for (let lane = 0; lane < options.lanes; lane++) {
      graph.input(`mask.${lane}`, compute, [1, 1, `S${lane}`, `M${lane}`]);
      graph.input(`write.${lane}`, 'int64', [1]);
      graph.input(`length.${lane}`, 'int64', [1]);
    }
    weights.rope(graph);

    const embedding = weights.embedding(graph);
    let hidden = graph.node('Gather', [embedding, 'input_ids'], 'embedded');
    let normed = this.norm(hidden, 'model.layers.0.input_layernorm', 'input_norm.0');
    for (let layer = 0; layer < config.layers; layer++) {
      const attended = this.attention(normed, layer);
      [hidden, normed] = this.addAndNorm(
        hidden,
        attended,
        `model.layers.${layer}.post_attention_layernorm`,
      );
      const fed = this.feedForward(normed, layer);
      const last = layer === config.layers - 1;
      const next = last ? 'model.norm' : `model.layers.${layer + 1}.input_layernorm`;
      [hidden, normed] = this.addAndNorm(hidden, fed, next);
    }
    this.head(normed);
    return graph.encode();
  }

  /** Only rows whose logits are wanted go through the head: a prefill chunk's would cost the most of all. */
  private head(normed: string): void {
    const { graph, config, weights, options } = this;
    const rows = options.hiddenOutput ? 'hidden' : 'hidden_rows';
    graph.node('Gather', [normed, 'logit_rows'], rows, { axis: 1 });
    if (options.hiddenOutput) graph.output(rows, weights.compute, [1, 'R', config.hiddenSize]);
    const exact = weights.compute === 'float32';
    const logits = weights.linear(graph, rows, 'lm_head', exact ? 'logits' : 'logits_compute');
    if (!exact) graph.node('Cast', [logits], 'logits', { to: 1 });
    graph.output('logits', 'float32', [1, 'R', config.vocabSize]);
  }

  private attention(input: string, layer: number): string {
    const { graph, config, weights, options } = this;
    const { heads, kvHeads, headDim } = config;
    const at = `model.layers.${layer}.self_attn`;
    let query = weights.linear(graph, input, `${at}.q_proj`, `query.${layer}`);
    let key = weights.linear(graph, input, `${at}.k_proj`, `new_key.${layer}`);
    const value = weights.linear(graph, input, `${at}.v_proj`, `new_value.${layer}`);
    if (config.queryKeyNorm) {
      query = this.headNorm(query, `${at}.q_norm`, heads);
      key = this.headNorm(key, `${at}.k_norm`, kvHeads);
    }
    const queries = this.split(this.rotate(query, heads), `query_lane.${layer}`);
    const keys = this.split(this.rotate(key, kvHeads), `key_lane.${layer}`);
    const values = this.split(value, `value_lane.${layer}`);

    const width = kvHeads * headDim;
    const outputs = queries.map((laneQuery, lane) => {
      const updated = cacheNames(layer, lane).map(({ input: cache, output }, which) => {
        const shape = [1, `M${lane}`, width];
        graph.input(cache, weights.compute, shape);
        const rows = (which === 0 ? keys : values)[lane]!;
        graph.node('TensorScatter', [cache, rows, `write.${lane}`], output, { axis: 1 });
        return graph.output(output, weights.compute, shape);
      });
      return graph.node(
        'Attention',
        [laneQuery, ...updated, `mask.${lane}`, '', '', `length.${lane}`],
        `attended.${layer}.${lane}`,
        { q_num_heads: heads, kv_num_heads: kvHeads },
      );
    });
    const attended =
      options.lanes === 1
        ? outputs[0]!
        : graph.node('Concat', outputs, `attended.${layer}`, { axis: 1 });
    return weights.linear(graph, attended, `${at}.o_proj`, `attention_out.${layer}`);
  }

  /** The rows of each lane, [1, S, width] each. */
  private split(packed: string, name: string): string[] {
    const { lanes } = this.options;
    if (lanes === 1) return [packed];
    const outputs = Array.from({ length: lanes }, (_, lane) => `${name}.${lane}`);
    this.graph.nodeWithOutputs('Split', [packed, 'lane_rows'], outputs, { axis: 1 });
    return outputs;
  }

  private rotate(input: string, heads: number): string {
    return this.graph.node(
      'RotaryEmbedding',
      [input, 'rope_cos', 'rope_sin', 'position_ids'],
      `${input}.rotated`,
      { num_heads: heads },
    );
  }

  private feedForward(input: string, layer: number): string {
    const { graph, weights } = this;
    const at = `model.layers.${layer}.mlp`;
    const gate = weights.linear(graph, input, `${at}.gate_proj`, `gate.${layer}`);
    const up = weights.linear(graph, input, `${at}.up_proj`, `up.${layer}`);
    const sigmoid = graph.node('Sigmoid', [gate], `gate_sigmoid.${layer}`);
    const activated = graph.node('Mul', [gate, sigmoid], `gate_silu.${layer}`);
    const product = graph.node('Mul', [activated, up], `gated.${layer}`);
    return weights.linear(graph, product, `${at}.down_proj`, `mlp_out.${layer}`);
  }

  private norm(input: string, weight: string, output: string): string {
    return this.graph.node(
      'SimplifiedLayerNormalization',
      [input, this.weights.vector(this.graph, `${weight}.weight`)],
      output,
      { axis: -1, epsilon: { float: this.config.normEpsilon }, stash_type: 1 },
    );
  }

  /** RMS norm over each head's own dimensions (Qwen3). */
  private headNorm(input: string, weight: string, heads: number): string {
    const { graph, config } = this;
    const split = this.shape(`shape.heads.${heads}`, [0, 0, heads, config.headDim]);
    const merged = this.shape(`shape.merged.${heads}`, [0, 0, heads * config.headDim]);
    const byHead = graph.node('Reshape', [input, split], `${input}.heads`);
    const normed = this.norm(byHead, weight, `${input}.normed_heads`);
    return graph.node('Reshape', [normed, merged], `${input}.normed`);
  }

  /** Residual sum and its norm in one operator: [sum, norm]. */
  private addAndNorm(residual: string, addend: string, weight: string): [string, string] {
    const sum = `${addend}.sum`;
    const normed = `${addend}.sum_norm`;
    this.graph.nodeWithOutputs(
      'SkipSimplifiedLayerNormalization',
      [residual, addend, this.weights.vector(this.graph, `${weight}.weight`)],
      [normed, '', '', sum],
      { epsilon: { float: this.config.normEpsilon } },
      MICROSOFT,
    );
    return [sum, normed];
  }

  private readonly shapes = new Map<string, string>();

  private shape(name: string, dimensions: readonly number[]): string {
    const known = this.shapes.get(name);
    if (known) return known;
    const data = BigInt64Array.from(dimensions, BigInt);
    this.shapes.set(name, this.graph.constant(name, 'int64', [dimensions.length], data));
    return name;
  }
}
