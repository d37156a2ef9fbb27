/**
 * A `Rotation` inside a graph, of rows that a matrix could not take it into. Each
 * row is two small products with as many rows as a factor has: none is of one row,
 * so its bits do not depend on how many rows there are.
 */
import type { GraphBuilder } from '../onnx.ts';
import { Rotation } from '../rotation.ts';

export class RotationGraph {
  private readonly graph: GraphBuilder;
  private readonly a: number;
  private readonly b: number;

  constructor(graph: GraphBuilder, size: number) {
    const { left, right, a, b } = new Rotation(size).factors();
    this.graph = graph;
    this.a = a;
    this.b = b;
    graph.constant('turn.left', 'float32', [a, a], left);
    graph.constant('turn.right', 'float32', [b, b], right);
    graph.constant('turn.left_back', 'float32', [a, a], transpose(left, a));
    graph.constant('turn.right_back', 'float32', [b, b], transpose(right, b));
  }

  /** x·R of [1, T, size]. */
  forward(input: string, output: string): string {
    return this.add(input, 'turn.left', 'turn.right', output);
  }

  /** x·Rᵀ of [1, T, size]. */
  back(input: string, output: string): string {
    return this.add(input, 'turn.left_back', 'turn.right_back', output);
  }

  private add(input: string, left: string, right: string, output: string): string {
    const { graph, a, b } = this;
    const perm = { perm: [0, 2, 1] };
    // Flat products: ORT 1.30 fuses a transposition into a batched one and then can't run it.
    const first = graph.node(
      'MatMul',
      [graph.reshape(input, [-1, b], 'by_b'), right],
      `${output}.first`,
    );
    const turned = graph.node(
      'Transpose',
      [graph.reshape(first, [-1, a, b], 'ab')],
      `${output}.turned`,
      perm,
    );
    const second = graph.node(
      'MatMul',
      [graph.reshape(turned, [-1, a], 'by_a'), left],
      `${output}.second`,
    );
    const back = graph.node(
      'Transpose',
      [graph.reshape(second, [-1, b, a], 'ba')],
      `${output}.ordered`,
      perm,
    );
    return graph.node('Reshape', [back, graph.integers([1, -1, a * b])], output);
  }
}

function transpose(matrix: Float32Array, size: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % size) * size + Math.floor(i / size)]!);
}
