/**
 * The draft model's graph for ONNX Runtime's WebAssembly build, weights and all
 * in one file: int8 matrices with a scale per output, activations quantised as
 * they come (`DynamicQuantizeMatMul`; in WebAssembly MatMulNBits takes four to
 * six times as long). Its rounding depends on the rows beside it, which a draft
 * may and a verifier must not.
 *
 * The caller keeps the KV cache: it gives the rows so far and gets the new ones,
 * so that a run returns kilobytes and rejected nodes cost nothing to forget.
 *
 * A row reads the weighted sum of N tokens' embeddings (Superposed Decoding,
 * 2405.18400); where N is 1 and the weight 1, plainly the token.
 *
 * Inputs   input_ids, weights [S, N]; position_ids [1, S]; mask [1, 1, S, P + S],
 *          additive, what a row sees 0, the rest `MASKED`; logit_rows [R]; per
 *          layer l: key.l and value.l [1, P, kvHeads · headDim]
 * Outputs  logits [1, R, vocab] float32; per layer l: key_new.l and value_new.l
 *          [1, S, kvHeads · headDim]
 */
import { ElementType } from '../ort/tensor.ts';
import { type DecoderConfig, readDecoderConfig } from './config.ts';
import { GraphBuilder, MICROSOFT } from './onnx.ts';
import { ropeFrequencies } from './rope.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { readRows } from './tensor-reader.ts';
import { UnsupportedModelError } from './unsupported.ts';
import { readWeightIndex } from './weight-index.ts';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
/** Largest magnitude of an int8 level; symmetric, so that no zero point is needed. */
const LEVELS = 127;

export interface EdgeShape {
  /** It leaves after so many: one checkpoint trained for it serves several sizes. */
  layers: number;
  /** Of its vocabulary it has so many tokens, the first. */
  vocabSize: number;
}

/** The serialised graph of a checkpoint. Throws `UnsupportedModelError`. */
export function buildEdgeDecoder(folder: string, { layers, vocabSize }: EdgeShape): Uint8Array {
  const config = readDecoderConfig(folder);
  const tensors = readWeightIndex(folder);
  if (!(layers >= 1 && layers <= config.layers)) {
    throw new RangeError(`the model has ${config.layers} layers: can't leave after ${layers}`);
  }
  return new EdgeGraph({ ...config, vocabSize }, tensors).build(layers);
}

class EdgeGraph {
  private readonly graph = new GraphBuilder('edge-decoder');
  private readonly config: DecoderConfig;
  private readonly tensors: ReadonlyMap<string, StoredTensor>;

  constructor(config: DecoderConfig, tensors: ReadonlyMap<string, StoredTensor>) {
    this.config = config;
    this.tensors = tensors;
  }

  build(layers: number): Uint8Array {
    const { graph, config } = this;
    graph.input('input_ids', 'int64', ['S', 'N']);
    graph.input('weights', 'float32', ['S', 'N']);
    graph.input('position_ids', 'int64', [1, 'S']);
    graph.input('mask', 'float32', [1, 1, 'S', 'T']);
    graph.input('logit_rows', 'int64', ['R']);
    this.rotaryAngles();

    let sum = this.embed();
    for (let layer = 0; layer < layers; layer++) {
      const at = `model.layers.${layer}`;
      const attended = this.attention(this.norm(sum, `${at}.input_layernorm`), layer);
      sum = graph.node('Add', [sum, attended], `attention_sum.${layer}`);
      const fed = this.feedForward(this.norm(sum, `${at}.post_attention_layernorm`), layer);
      sum = graph.node('Add', [sum, fed], `layer_sum.${layer}`);
    }
    // Only rows whose logits are wanted meet the head, which is most of a small model.
    const rows = graph.node('Gather', [sum, 'logit_rows'], 'head_rows', { axis: 1 });
    this.product(this.norm(rows, 'model.norm'), this.head(), 'logits');
    graph.output('logits', 'float32', [1, 'R', config.vocabSize]);
    return graph.encode();
  }

  /**
   * Sums of the embedding's rows, from int8 with a scale a row. A tied head is the
   * same table turned: the optimizer turns it once, when the session is made.
   */
  private embed(): string {
    const { graph, config } = this;
    const { values, scales } = this.vocabularyTable(EMBEDDING);
    graph.constant('embedding', 'int8', [config.vocabSize, config.hiddenSize], values);
    graph.constant('embedding_scales', 'float32', [config.vocabSize, 1], scales);
    if (config.tiedEmbeddings) {
      graph.node('Transpose', ['embedding'], 'head', { perm: [1, 0] });
      this.columns('head', scales);
    }
    const levels = graph.node('Gather', ['embedding', 'input_ids'], 'embedded_levels');
    const scale = graph.node('Gather', ['embedding_scales', 'input_ids'], 'embedded_scales');
    const cast = graph.node('Cast', [levels], 'embedded_cast', { to: ElementType.float32 });
    graph.constant('each', 'int64', [1], BigInt64Array.of(2n));
    const share = graph.node('Unsqueeze', ['weights', 'each'], 'shares');
    const scaled = graph.node('Mul', [scale, share], 'embedded_shares');
    // [S, N, hidden] to [S, 1, hidden] to [1, S, hidden].
    const parts = graph.node('Mul', [cast, scaled], 'embedded_parts');
    graph.constant('over', 'int64', [1], BigInt64Array.of(1n));
    const sums = graph.node('ReduceSum', [parts, 'over'], 'embedded_sums', { keepdims: 1 });
    return graph.node('Transpose', [sums], 'embedded', { perm: [1, 0, 2] });
  }

  private head(): string {
    if (this.config.tiedEmbeddings) return 'head';
    const { vocabSize, hiddenSize } = this.config;
    const { values, scales } = this.vocabularyTable(HEAD);
    const turned = turn(values, vocabSize, hiddenSize);
    this.graph.constant('head', 'int8', [hiddenSize, vocabSize], turned);
    this.columns('head', scales);
    return 'head';
  }

  /** Rows of the tokens that it has. */
  private vocabularyTable(name: string) {
    const { vocabSize, hiddenSize } = this.config;
    return quantizeTable(this.matrix(name).subarray(0, vocabSize * hiddenSize), hiddenSize);
  }

  /** cos and sin of this pass's positions, computed: tables would be a quarter of a small model's file. */
  private rotaryAngles(): void {
    const { graph, config } = this;
    const frequencies = Float32Array.from(ropeFrequencies(config.rope, config.headDim));
    graph.constant('frequencies', 'float32', [1, 1, frequencies.length], frequencies);
    graph.constant('column', 'int64', [3], BigInt64Array.of(1n, -1n, 1n));
    const { float32 } = ElementType;
    const positions = graph.node('Cast', ['position_ids'], 'positions', { to: float32 });
    const column = graph.node('Reshape', [positions, 'column'], 'position_column');
    const angles = graph.node('Mul', [column, 'frequencies'], 'angles');
    graph.node('Cos', [angles], 'cos');
    graph.node('Sin', [angles], 'sin');
  }

  private attention(input: string, layer: number): string {
    const { graph } = this;
    const { heads, kvHeads, headDim } = this.config;
    const at = `model.layers.${layer}.self_attn`;
    const plain = this.linear(input, `${at}.q_proj`, `query.${layer}`);
    const query = this.rotate(this.headNorm(plain, `${at}.q_norm`, heads), heads);
    const key = this.linear(input, `${at}.k_proj`, `key_plain.${layer}`);
    const fresh = {
      key: this.rotate(this.headNorm(key, `${at}.k_norm`, kvHeads), kvHeads),
      value: this.linear(input, `${at}.v_proj`, `value_plain.${layer}`),
    };
    const [keys, values] = (['key', 'value'] as const).map((part) => {
      const width = kvHeads * headDim;
      graph.input(`${part}.${layer}`, 'float32', [1, 'P', width]);
      const added = graph.node('Identity', [fresh[part]], `${part}_new.${layer}`);
      graph.output(added, 'float32', [1, 'S', width]);
      const inputs = [`${part}.${layer}`, fresh[part]];
      return graph.node('Concat', inputs, `${part}_all.${layer}`, { axis: 1 });
    });
    const attended = graph.node('Attention', [query, keys!, values!, 'mask'], `attended.${layer}`, {
      q_num_heads: heads,
      kv_num_heads: kvHeads,
    });
    return this.linear(attended, `${at}.o_proj`, `attention_out.${layer}`);
  }

  private feedForward(input: string, layer: number): string {
    const { graph } = this;
    const at = `model.layers.${layer}.mlp`;
    const gate = this.linear(input, `${at}.gate_proj`, `gate.${layer}`);
    const up = this.linear(input, `${at}.up_proj`, `up.${layer}`);
    const sigmoid = graph.node('Sigmoid', [gate], `gate_sigmoid.${layer}`);
    const silu = graph.node('Mul', [gate, sigmoid], `gate_silu.${layer}`);
    const product = graph.node('Mul', [silu, up], `gated.${layer}`);
    return this.linear(product, `${at}.down_proj`, `mlp_out.${layer}`);
  }

  private rotate(input: string, heads: number): string {
    const inputs = [input, 'cos', 'sin'];
    return this.graph.node('RotaryEmbedding', inputs, `${input}.rotated`, { num_heads: heads });
  }

  /** RMS norm over each head's own dimensions, where the model has one (Qwen3). */
  private headNorm(input: string, weight: string, heads: number): string {
    const { graph, config } = this;
    if (!config.queryKeyNorm) return input;
    const byHead = graph.reshape(input, [0, 0, heads, config.headDim], 'heads_to_norm');
    const merged = [0, 0, heads * config.headDim];
    return graph.reshape(this.norm(byHead, weight), merged, 'merged');
  }

  private norm(input: string, weight: string): string {
    const name = `${weight}.weight`;
    const values = this.matrix(name);
    this.graph.constant(name, 'float32', [values.length], values);
    return this.graph.node('SimplifiedLayerNormalization', [input, name], `${input}.norm`, {
      axis: -1,
      epsilon: { float: this.config.normEpsilon },
      stash_type: 1,
    });
  }

  /** x · Wᵀ of a stored [out, in] matrix. */
  private linear(input: string, layer: string, output: string): string {
    const { graph } = this;
    const [out = 0, inner = 0] = this.tensor(`${layer}.weight`).shape;
    const { values, scales } = quantizeTable(this.matrix(`${layer}.weight`), inner);
    graph.constant(layer, 'int8', [inner, out], turn(values, out, inner));
    this.columns(layer, scales);
    const bias = `${layer}.bias`;
    if (!this.tensors.has(bias)) return this.product(input, layer, output);
    graph.constant(bias, 'float32', [out], this.matrix(bias));
    return this.product(input, layer, output, bias);
  }

  /** What a product needs of a weight beside its levels. */
  private columns(weight: string, scales: Float32Array): void {
    const { length } = scales;
    this.graph.constant(`${weight}_scales`, 'float32', [length], scales);
    this.graph.constant(`${weight}_zeros`, 'int8', [length], new Int8Array(length));
  }

  private product(input: string, weight: string, output: string, ...bias: string[]): string {
    const inputs = [input, weight, `${weight}_scales`, `${weight}_zeros`, ...bias];
    return this.graph.node('DynamicQuantizeMatMul', inputs, output, {}, MICROSOFT);
  }

  private matrix(name: string): Float32Array {
    const pieces = [...readRows(this.tensor(name))];
    const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  private tensor(name: string): StoredTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new UnsupportedModelError(`a checkpoint without ${name}`, 'Llama names');
    return tensor;
  }
}

/** Rows of `columns` values to int8 with a scale a row. */
function quantizeTable(matrix: Float32Array, columns: number) {
  const rows = matrix.length / columns;
  const values = new Int8Array(matrix.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const cells = matrix.subarray(row * columns, (row + 1) * columns);
    let largest = 0;
    for (const cell of cells) largest = Math.max(largest, Math.abs(cell));
    const scale = largest / LEVELS || 1;
    scales[row] = scale;
    for (let i = 0; i < columns; i++) values[row * columns + i] = Math.round(cells[i]! / scale);
  }
  return { values, scales };
}

/** [rows, columns] as [columns, rows]. */
function turn(values: Int8Array, rows: number, columns: number): Int8Array {
  const turned = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) turned[i * rows + row] = values[row * columns + i]!;
  }
  return turned;
}
