/** The shapes that an architecture gives a checkpoint's tensors. */
import type { DecoderConfig } from './config.ts';
import type { StoredTensor } from './stored-tensor.ts';

/** Throws an Error that names a tensor of another shape than `config` asks for. */
export function checkShapes(
  stored: ReadonlyMap<string, StoredTensor>,
  config: DecoderConfig,
): void {
  const shapes = shapesOf(config);
  for (const { name, file, shape } of stored.values()) {
    const kind = name.replace(/^model\.layers\.\d+\./, '');
    const expected = Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
    if (expected && expected.join() !== shape.join()) {
      throw new Error(
        `${file}: "${name}" is [${shape.join(', ')}], the configuration asks for [${expected.join(', ')}]`,
      );
    }
  }
}

/** By the tensor's name, a layer's without its number. */
function shapesOf(config: DecoderConfig): Record<string, readonly number[]> {
  const { vocabSize, hiddenSize, intermediateSize, headDim } = config;
  const queries = config.heads * headDim;
  const keys = config.kvHeads * headDim;
  const matrices: Record<string, readonly [rows: number, columns: number]> = {
    'self_attn.q_proj': [queries, hiddenSize],
    'self_attn.k_proj': [keys, hiddenSize],
    'self_attn.v_proj': [keys, hiddenSize],
    'self_attn.o_proj': [hiddenSize, queries],
    'mlp.gate_proj': [intermediateSize, hiddenSize],
    'mlp.up_proj': [intermediateSize, hiddenSize],
    'mlp.down_proj': [hiddenSize, intermediateSize],
  };
  return {
    'model.embed_tokens.weight': [vocabSize, hiddenSize],
    'lm_head.weight': [vocabSize, hiddenSize],
    'model.norm.weight': [hiddenSize],
    'input_layernorm.weight': [hiddenSize],
    'post_attention_layernorm.weight': [hiddenSize],
    'embedding_norm.weight': [hiddenSize],
    'fusion.weight': [hiddenSize, 2 * hiddenSize],
    'self_attn.q_norm.weight': [headDim],
    'self_attn.k_norm.weight': [headDim],
    ...Object.fromEntries(
      Object.entries(matrices).flatMap(([name, shape]) => [
        [`${name}.weight`, shape],
        [`${name}.bias`, [shape[0]]],
      ]),
    ),
  };
}
