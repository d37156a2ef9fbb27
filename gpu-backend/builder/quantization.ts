/** What a model's matrices are stored as. */
const QUANTIZATIONS = ['none', 'int8', 'int4'] as const;
/**
 * `none`: the type that is computed in. `int8`: int8 columns for int8 rows.
 * `int4`: blocks of 4 bits, the head's and the table's of 8; a GGUF file's own
 * blocks where they can be kept.
 */
export type Quantization = (typeof QUANTIZATIONS)[number];

/** What can be asked for: `auto` is int8, or int4 where that is quicker on this machine and rounds nothing to 4 bits. */
export const QUANTIZATION_CHOICES = [...QUANTIZATIONS, 'auto'] as const;
export type QuantizationChoice = (typeof QUANTIZATION_CHOICES)[number];
