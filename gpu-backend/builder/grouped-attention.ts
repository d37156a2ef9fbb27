/**
 * Attention as ONNX Runtime's GroupQueryAttention: the form that its WebGPU provider has a kernel
 * for. It writes the new rows to the end of the caches itself, and takes the tree as a bias to the
 * scores. Equal to rounding, like `FusedAttention`.
 *
 * Inputs of a lane: last.i and total.i [1], the place of its last row and the rows that count,
 * new ones included; mask.i is as wide as that. Caches are [1, kvHeads, C, headDim], whole.
 */
import type { AttentionKernel, NewRows } from './attention-kernel.ts';
import { cacheNames } from './cache-names.ts';
import type { DecoderConfig } from './config.ts';
import { type GraphBuilder, MICROSOFT } from './onnx.ts';
import type { ComputeType } from './tensor-reader.ts';

export class GroupedAttention implements AttentionKernel {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private readonly compute: ComputeType;

  constructor(graph: GraphBuilder, config: DecoderConfig, compute: ComputeType) {
    this.graph = graph;
    this.config = config;
    this.compute = compute;
  }

  addLane(lane: number): void {
    for (const name of ['last', 'total']) this.graph.input(`${name}.${lane}`, 'int32', [1]);
  }

  attend(cache: number, lane: number, rows: NewRows): string {
    const { graph, compute } = this;
    const { heads, kvHeads, headDim } = this.config;
    const shape = [1, kvHeads, `C${lane}`, headDim];
    const caches = cacheNames(cache, lane);
    for (const { input } of caches) graph.input(input, compute, shape);
    const attended = `attended.${cache}.${lane}`;
    const [keys, values] = caches;
    graph.nodeWithOutputs(
      'GroupQueryAttention',
      [
        ...rows,
        keys.input,
        values.input,
        `last.${lane}`,
        `total.${lane}`,
        // No rotary tables and positions: rows come rotated, as a tree's positions are no range.
        ...['', '', ''],
        `mask.${lane}`,
      ],
      [attended, keys.output, values.output],
      { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 0 },
      MICROSOFT,
    );
    for (const { output } of caches) graph.output(output, compute, shape);
    return attended;
  }
}
