/**
 * Whether a file's matrices are in blocks of 4 bits, but for those that int4 stores in 8: it
 * rounds none of them to 4. Where it does, that costs far more than int8: 18.6 % of SmolLM2's
 * perplexity, 4.7 % of Qwen2.5-Coder-0.5B's (docs/models.md).
 */
import { EMBEDDING, HEAD, WIDE_TYPES } from './convert.ts';
import { packingOf } from './gguf/kept-blocks.ts';
import type { StoredTensor } from './stored-tensor.ts';

export function isIn4Bits(
  tensors: Iterable<Pick<StoredTensor, 'name' | 'shape' | 'type'>>,
): boolean {
  const types = [...tensors]
    .filter(({ name, shape }) => shape.length > 1 && name !== EMBEDDING && name !== HEAD)
    .map(({ type }) => type)
    .filter((type) => !WIDE_TYPES.has(type));
  return types.length > 0 && types.every((type) => packingOf(type)?.form === 'blocks4');
}
