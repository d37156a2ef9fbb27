/** GGUF's quantised types that Espalier reads, by ggml's names. */
import type { BlockFormat } from './block.ts';
import { Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from './k-blocks.ts';
import { IQ4_NL, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 } from './small-blocks.ts';

const FORMATS = { Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL };

export type BlockType = keyof typeof FORMATS;

export const BLOCK_TYPES: Record<BlockType, BlockFormat> = FORMATS;
