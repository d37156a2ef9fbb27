/** The tensors that an architecture has, and their shapes. */
import type { DecoderConfig } from './config.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { UnsupportedModelError } from './unsupported.ts';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const LAYER = /^model\.layers\.(\d+)\./;
/** As older versions of transformers wrote it: config.json says the same. */
const COMPUTED = /(^|\.)rotary_emb\.inv_freq$/;

/**
 * Throws UnsupportedModelError for a tensor that the decoder does not read, as a
 * checkpoint that has it computes something else, and an Error for one of another
 * shape than `config` asks for, or a table that is missing.
 */
export function checkTensors(
  stored: ReadonlyMap<string, StoredTensor>,
  config: DecoderConfig,
): void {
  const shapes = shapesOf(config);
  for (const { name, file } of stored.values()) {
    // transformers leaves out layers behind the last too: some checkpoints keep a draft network there.
    const behind = Number(LAYER.exec(name)?.[1] ?? -1) >= config.layers;
    if (behind || COMPUTED.test(name) || Object.hasOwn(shapes, kindOf(name))) continue;
    throw new UnsupportedModelError(
      `${file}: tensor "${name}"`,
      `those of ${config.architecture} as config.json describes it`,
    );
  }
  checkShapes(stored, config);
  if (config.tiedEmbeddings) return;
  const lacking = [EMBEDDING, HEAD].find((table) => !stored.has(table));
  if (lacking) {
    throw new Error(
      `the checkpoint has no tensor "${lacking}", and tie_word_embeddings is not set`,
    );
  }
}

/** Throws an Error that names a tensor of another shape than `config` asks for. */
export function checkShapes(
  stored: ReadonlyMap<string, StoredTensor>,
  config: DecoderConfig,
): void {
  const shapes = shapesOf(config);
  for (const { name, file, shape } of stored.values()) {
    const expected = Object.hasOwn(shapes, kindOf(name)) ? shapes[kindOf(name)] : undefined;
    if (expected && expected.join() !== shape.join()) {
      throw new Error(
        `${file}: "${name}" is [${shape.join(', ')}], the configuration asks for [${expected.join(', ')}]`,
      );
    }
  }
}

/** A layer's tensor without the layer's number. */
function kindOf(name: string): string {
  return name.replace(LAYER, 'layer.');
}

function shapesOf(config: DecoderConfig): Record<string, readonly number[]> {
  const { vocabSize, hiddenSize, intermediateSize, headDim, biases } = config;
  const queries = config.heads * headDim;
  const keys = config.kvHeads * headDim;
  const matrices: [name: string, rows: number, columns: number, bias: boolean][] = [
    ['self_attn.q_proj', queries, hiddenSize, biases.queryKeyValue],
    ['self_attn.k_proj', keys, hiddenSize, biases.queryKeyValue],
    ['self_attn.v_proj', keys, hiddenSize, biases.queryKeyValue],
    ['self_attn.o_proj', hiddenSize, queries, biases.output],
    ['mlp.gate_proj', intermediateSize, hiddenSize, biases.mlp],
    ['mlp.up_proj', intermediateSize, hiddenSize, biases.mlp],
    ['mlp.down_proj', hiddenSize, intermediateSize, biases.mlp],
  ];
  const ofLayer: Record<string, readonly number[]> = {
    'input_layernorm.weight': [hiddenSize],
    'post_attention_layernorm.weight': [hiddenSize],
    'embedding_norm.weight': [hiddenSize],
    'fusion.weight': [hiddenSize, 2 * hiddenSize],
  };
  if (config.queryKeyNorm) {
    for (const letter of 'qk') ofLayer[`self_attn.${letter}_norm.weight`] = [headDim];
  }
  for (const [name, rows, columns, bias] of matrices) {
    ofLayer[`${name}.weight`] = [rows, columns];
    if (bias) ofLayer[`${name}.bias`] = [rows];
  }
  return {
    [EMBEDDING]: [vocabSize, hiddenSize],
    [HEAD]: [vocabSize, hiddenSize],
    'model.norm.weight': [hiddenSize],
    ...Object.fromEntries(
      Object.entries(ofLayer).map(([name, shape]) => [`layer.${name}`, shape] as const),
    ),
  };
}
