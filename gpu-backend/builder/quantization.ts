/** What a model's matrices can be asked to be stored as. */
export const QUANTIZATION_CHOICES = ['none', 'int8', 'int4'] as const;
/**
 * `none`: the type that is computed in. `int8`: int8 columns for int8 rows.
 * `int4`: blocks of 4 bits, the head's and the table's of 8; a GGUF file's own
 * blocks where they can be kept.
 */
export type QuantizationChoice = (typeof QUANTIZATION_CHOICES)[number];
