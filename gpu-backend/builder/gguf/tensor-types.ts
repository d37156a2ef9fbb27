/** ggml's numbers for the types of tensors. */
import type { StoredType } from '../stored-tensor.ts';
import { UnsupportedModelError } from '../unsupported.ts';

const READABLE: Record<number, StoredType> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  20: 'IQ4_NL',
  30: 'BF16',
};

/** Named so that an error can name them. */
const OTHERS: Record<number, string> = {
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
  40: 'NVFP4',
  41: 'Q1_0',
};

/** Throws UnsupportedModelError that names `tensor` for a type that is not read. */
export function tensorType(number: number, tensor: string): StoredType {
  const type = READABLE[number];
  if (type) return type;
  throw new UnsupportedModelError(
    `type ${OTHERS[number] ?? number} of tensor "${tensor}"`,
    Object.values(READABLE).join(', '),
  );
}
