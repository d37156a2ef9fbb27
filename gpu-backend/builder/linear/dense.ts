/** Products with plain matrices, x · Wᵀ: checkpoints store [out, in], which both operators read as it lies. */
import { type GraphBuilder, MICROSOFT } from '../onnx.ts';

/**
 * Which operators products are made of. `fused`: the quickest on CPUs and CUDA. `plain`: those
 * that every provider has, over activations as they are.
 */
export type ProductForm = 'fused' | 'plain';

/** `input` is [1, T, in], `matrix` [out, in]; returns [1, T, out]. */
export function denseProduct(
  graph: GraphBuilder,
  form: ProductForm,
  input: string,
  matrix: string,
  [out, inner]: readonly [number, number],
  output: string,
): string {
  if (form === 'fused') {
    return graph.node('FusedMatMul', [input, matrix], output, { transB: 1 }, MICROSOFT);
  }
  const rows = graph.node('Reshape', [input, graph.integers([-1, inner])], `${output}.rows`);
  const product = graph.node('Gemm', [rows, matrix], `${output}.flat`, { transB: 1 });
  return graph.node('Reshape', [product, graph.integers([1, -1, out])], output);
}
