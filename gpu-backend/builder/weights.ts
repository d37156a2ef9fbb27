/** Adds a checkpoint's tensors to a graph, under the checkpoint's own names. */
import type { DecoderConfig } from './config.ts';
import type { QuantizedTensor, WeightLayout } from './convert.ts';
import { narrow } from './float16.ts';
import { type GraphBuilder, MICROSOFT } from './onnx.ts';
import { BITS, BLOCK_SIZE, quantizedRowBytes } from './quantize.ts';
import { ropeTables } from './rope.ts';
import type { ComputeType } from './tensor-reader.ts';

/** int8 activations inside MatMulNBits on a CPU: several times faster, still row by row. */
const ACCURACY_LEVEL_INT8 = 4;

/** Rows, blocks, and bytes of a block: how MatMulNBits wants its values. */
export function packedShape({ form, shape }: QuantizedTensor): readonly [number, number, number] {
  const [rows = 0, columns = 0] = shape;
  const blocks = Math.ceil(columns / BLOCK_SIZE);
  return [rows, blocks, quantizedRowBytes(form, columns) / blocks];
}

export function scalesName(matrix: string): string {
  return `${matrix}.scales`;
}

export function offsetsName(matrix: string): string {
  return `${matrix}.offsets`;
}

export class Weights {
  readonly compute: ComputeType;
  private readonly config: DecoderConfig;
  private readonly layout: WeightLayout;
  private readonly positions: number;
  private readonly added = new Set<string>();

  /** `positions`: how many the rotary tables cover. One instance serves one graph. */
  constructor(config: DecoderConfig, layout: WeightLayout, positions: number) {
    this.config = config;
    this.compute = layout.compute;
    this.layout = layout;
    this.positions = positions;
  }

  /** rope_cos and rope_sin, [positions, headDim / 2]. */
  rope(graph: GraphBuilder): void {
    const { rope, headDim } = this.config;
    const tables = ropeTables(rope, headDim, this.positions);
    for (const [name, table] of Object.entries(tables)) {
      const data = this.compute === 'float32' ? table : narrow(table);
      graph.constant(`rope_${name}`, this.compute, [this.positions, headDim / 2], data);
    }
  }

  /** The embedding table [vocab, hidden]. Some tied checkpoints store it as lm_head alone. */
  embedding(graph: GraphBuilder): string {
    const name = 'model.embed_tokens.weight';
    return this.dense(graph, name in this.layout.dense ? name : 'lm_head.weight');
  }

  /** A norm's weight, [width]. */
  vector(graph: GraphBuilder, name: string): string {
    return this.dense(graph, name);
  }

  /** x · Wᵀ (+ bias): checkpoints store [out, in], which both operators read as it lies. */
  linear(graph: GraphBuilder, input: string, layer: string, output: string): string {
    const bias = `${layer}.bias`;
    const product = bias in this.layout.dense ? `${output}.product` : output;
    if (`${layer}.weight` in this.layout.quantized) {
      this.quantizedProduct(graph, input, `${layer}.weight`, product);
    } else {
      const weight = this.matrix(graph, layer);
      graph.node('FusedMatMul', [input, weight], product, { transB: 1 }, MICROSOFT);
    }
    if (product === output) return output;
    return graph.node('Add', [product, this.dense(graph, bias)], output);
  }

  private matrix(graph: GraphBuilder, layer: string): string {
    const tied = layer === 'lm_head' && !('lm_head.weight' in this.layout.dense);
    const ignored = layer === 'lm_head' && this.config.tiedEmbeddings;
    return tied || ignored ? this.embedding(graph) : this.dense(graph, `${layer}.weight`);
  }

  private quantizedProduct(graph: GraphBuilder, input: string, name: string, output: string): void {
    const tensor = this.layout.quantized[name]!;
    if (!tensor.offsets) {
      this.packedProduct(graph, input, name, output);
      return;
    }
    const offsets = offsetsName(name);
    graph.external(offsets, this.compute, packedShape(tensor).slice(0, 2), tensor.offsets);
    const packed = this.packedProduct(graph, input, name, `${output}.packed`);
    const sums = this.blockSums(graph, input, tensor);
    graph.node('FusedMatMul', [sums, offsets], `${output}.offset`, { transB: 1 }, MICROSOFT);
    graph.node('Add', [packed, `${output}.offset`], output);
  }

  /** The sum of every block of columns of `input`, [1, T, blocks]: what a block's offset is times. */
  private blockSums(graph: GraphBuilder, input: string, tensor: QuantizedTensor): string {
    const sums = `${input}.block_sums`;
    if (this.added.has(sums)) return sums;
    this.added.add(sums);
    const [, blocks] = packedShape(tensor);
    graph.constant(
      `${sums}.shape`,
      'int64',
      [4],
      BigInt64Array.of(0n, 0n, BigInt(blocks), BigInt(BLOCK_SIZE)),
    );
    graph.constant(`${sums}.axis`, 'int64', [1], BigInt64Array.of(-1n));
    graph.node('Reshape', [input, `${sums}.shape`], `${sums}.blocks`);
    return graph.node('ReduceSum', [`${sums}.blocks`, `${sums}.axis`], sums, { keepdims: 0 });
  }

  private packedProduct(graph: GraphBuilder, input: string, name: string, output: string): string {
    const tensor = this.layout.quantized[name]!;
    const shape = packedShape(tensor);
    const [rows = 0, columns = 0] = tensor.shape;
    const scales = scalesName(name);
    graph.external(name, 'uint8', shape, tensor);
    graph.external(scales, this.compute, shape.slice(0, 2), tensor.scales);
    return graph.node(
      'MatMulNBits',
      [input, name, scales],
      output,
      {
        K: columns,
        N: rows,
        bits: BITS[tensor.form],
        block_size: BLOCK_SIZE,
        accuracy_level: ACCURACY_LEVEL_INT8,
      },
      MICROSOFT,
    );
  }

  private dense(graph: GraphBuilder, name: string): string {
    const tensor = this.layout.dense[name];
    if (!tensor) throw new Error(`the checkpoint has no tensor "${name}"`);
    if (!this.added.has(name)) graph.external(name, this.compute, tensor.shape, tensor);
    this.added.add(name);
    return name;
  }
}
