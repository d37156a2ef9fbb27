/** The tensors that an architecture has, and their shapes. */
import type { DecoderConfig } from './config.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { UnsupportedModelError } from './unsupported.ts';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const LAYER = /^model\.layers\.(\d+)\./;
/** As older versions of transformers wrote it: config.json says the same. */
const COMPUTED = /(^|\.)rotary_emb\.inv_freq$/;

/** Of layers that draft, which are in files of their own. */
const OF_DRAFTS = new Set(['layer.embedding_norm.weight', 'layer.fusion.weight']);

type Stored = ReadonlyMap<string, StoredTensor>;
type Shapes = Record<string, readonly number[]>;

/**
 * Throws UnsupportedModelError for a tensor that the decoder does not read, as a
 * checkpoint that has it computes something else, and an Error for one of another
 * shape than `config` asks for, or one that is missing.
 */
export function checkTensors(stored: Stored, config: DecoderConfig): void {
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
  if (!config.tiedEmbeddings) {
    requireTensor(stored, EMBEDDING, ', and tie_word_embeddings is not set');
    requireTensor(stored, HEAD, ', and tie_word_embeddings is not set');
  }
  const kinds = Object.keys(shapes).filter(
    (kind) => kind.startsWith('layer.') && kind.endsWith('.weight') && !OF_DRAFTS.has(kind),
  );
  // However many layers are claimed, this ends with the first that is missing.
  for (let layer = 0; layer < config.layers; layer++) {
    for (const kind of kinds) {
      requireTensor(stored, kind.replace('layer.', `model.layers.${layer}.`));
    }
  }
}

function requireTensor(stored: Stored, name: string, why = ''): void {
  if (!stored.has(name)) throw new Error(`the checkpoint has no tensor "${name}"${why}`);
}

/** Throws an Error that names a tensor of another shape than `config` asks for. */
export function checkShapes(stored: Stored, config: DecoderConfig): void {
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

function shapesOf(config: DecoderConfig): Shapes {
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
  const ofLayer: Shapes = {
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
