/**
 * A `Rotation` inside a graph, of rows that a matrix could not take it into. Each
 * row is two small products with as many rows as a factor has: none is of one row,
 * so its bits do not depend on how many rows there are.
 */
import type { GraphBuilder } from '../onnx.ts';
import { Rotation } from '../rotation.ts';

export class Turn {
  private readonly graph: GraphBuilder;

  constructor(graph: GraphBuilder, size: number) {
    const { left, right, a, b } = new Rotation(size).factors();
    this.graph = graph;
    graph.constant('turn.left', 'float32', [a, a], left);
    graph.constant('turn.right', 'float32', [b, b], right);
    graph.constant('turn.left_back', 'float32', [a, a], transpose(left, a));
    graph.constant('turn.right_back', 'float32', [b, b], transpose(right, b));
    const shapes = { rows_a: [-1, a], rows_b: [-1, b], ab: [-1, a, b], ba: [-1, b, a] };
    for (const [name, shape] of Object.entries({ ...shapes, rows: [1, -1, size] })) {
      const data = BigInt64Array.from(shape, BigInt);
      graph.constant(`turn.${name}`, 'int64', [shape.length], data);
    }
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
    const { graph } = this;
    const reshape = (value: string, shape: string, name: string) =>
      graph.node('Reshape', [value, `turn.${shape}`], `${output}.${name}`);
    const perm = { perm: [0, 2, 1] };
    // Flat products: ORT 1.30 fuses a transposition into a batched one and then can't run it.
    const first = graph.node(
      'MatMul',
      [reshape(input, 'rows_b', 'by_b'), right],
      `${output}.first`,
    );
    const turned = graph.node('Transpose', [reshape(first, 'ab', 'ab')], `${output}.turned`, perm);
    const second = graph.node(
      'MatMul',
      [reshape(turned, 'rows_a', 'by_a'), left],
      `${output}.second`,
    );
    const back = graph.node('Transpose', [reshape(second, 'ba', 'ba')], `${output}.ordered`, perm);
    return graph.node('Reshape', [back, 'turn.rows'], output);
  }
}

function transpose(matrix: Float32Array, size: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % size) * size + Math.floor(i / size)]!);
}
