/**
 * Products with matrices in blocks, by ORT's MatMulNBits. On a CPU it rounds activations to
 * int8 block by block and row by row, so a row's result does not depend on the
 * rows beside it.
 */
import { type GraphBuilder, MICROSOFT } from '../onnx.ts';
import { BITS, BLOCK_SIZE, type BlockForm } from './blocks.ts';
import { denseProduct, type ProductForm } from './dense.ts';
import { partName, type StoredMatrix } from './stored-matrix.ts';

/** int8 activations on a CPU: several times faster than float32. */
const ACCURACY_LEVEL_INT8 = 4;
/** Activations as they are: WebGPU's int8 ones are a logit off. */
const ACCURACY_LEVEL_PLAIN = 0;

/** The products of one graph. */
export class BlockProducts {
  private readonly graph: GraphBuilder;
  private readonly form: ProductForm;
  private readonly summed = new Set<string>();

  constructor(graph: GraphBuilder, form: ProductForm) {
    this.graph = graph;
    this.form = form;
  }

  /** `matrix` names an initializer of the graph; `input` is [1, T, in], the output [1, T, out]. */
  product(input: string, matrix: string, stored: StoredMatrix, output: string): string {
    if (!stored.parts.offsets) return this.scaled(input, matrix, stored, output);
    const { graph } = this;
    const scaled = this.scaled(input, matrix, stored, `${output}.scaled`);
    const [out, inner] = stored.shape;
    const offset = denseProduct(
      graph,
      this.form,
      this.blockSums(input, stored),
      partName(matrix, 'offsets'),
      [out, inner / BLOCK_SIZE],
      `${output}.offset`,
    );
    return graph.node('Add', [scaled, offset], output);
  }

  private scaled(input: string, matrix: string, stored: StoredMatrix, output: string): string {
    const [out, inner] = stored.shape;
    const operands = [input, partName(matrix, 'values'), partName(matrix, 'scales')];
    if (stored.parts.zeros) operands.push(partName(matrix, 'zeros'));
    const attributes = {
      K: inner,
      N: out,
      bits: BITS[stored.form as BlockForm],
      block_size: BLOCK_SIZE,
      accuracy_level: this.form === 'fused' ? ACCURACY_LEVEL_INT8 : ACCURACY_LEVEL_PLAIN,
    };
    return this.graph.node('MatMulNBits', operands, output, attributes, MICROSOFT);
  }

  /** The sum of every block of `input`, [1, T, blocks]: what a block's offset is times. */
  private blockSums(input: string, stored: StoredMatrix): string {
    const sums = `${input}.block_sums`;
    if (this.summed.has(sums)) return sums;
    this.summed.add(sums);
    const { graph } = this;
    const blocks = stored.shape[1] / BLOCK_SIZE;
    const inBlocks = graph.reshape(input, [0, 0, blocks, BLOCK_SIZE], 'blocks');
    return graph.node('ReduceSum', [inBlocks, graph.integers([3])], sums, { keepdims: 0 });
  }
}

/** Rows `ids` [1, T] of a table whose rows are whole 8-bit blocks: [1, T, columns]. */
export function lookUpBlocks(graph: GraphBuilder, table: string, ids: string): string {
  const attributes = { bits: 8, block_size: BLOCK_SIZE, gather_axis: 0, quantize_axis: 1 };
  const inputs = [partName(table, 'rows'), ids, partName(table, 'scales')];
  return graph.node('GatherBlockQuantized', inputs, 'embedded', attributes, MICROSOFT);
}
