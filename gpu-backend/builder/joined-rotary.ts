/**
 * One rotation for all of a token's heads, where queries, keys and values are one product: on CUDA
 * a launch less than a rotation each for queries and keys. Values are turned too, by the angles
 * of position 0, which leave them as they are.
 */
import type { DecoderConfig } from './config.ts';
import type { GraphBuilder } from './onnx.ts';

const POSITIONS = 'head_positions';

export class JoinedRotary {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private added = false;

  constructor(graph: GraphBuilder, config: DecoderConfig) {
    this.graph = graph;
    this.config = config;
  }

  /** `joined` is [1, T, (heads + 2 · kvHeads) · headDim]. */
  rotate(joined: string): string {
    this.addPositions();
    const { graph, headsOfToken } = this;
    const { headDim } = this.config;
    // A token's heads are the operator's sequence: it refuses one that is longer than its tables.
    const byHead = graph.reshape(joined, [-1, headsOfToken, headDim], 'by_head');
    const rotated = graph.node(
      'RotaryEmbedding',
      [byHead, 'rope_cos', 'rope_sin', POSITIONS],
      `${joined}.rotated`,
      { num_heads: 1 },
    );
    return graph.reshape(rotated, [1, -1, headsOfToken * headDim], 'packed');
  }

  /** [T, heads + 2 · kvHeads], for all layers. */
  private addPositions(): void {
    if (this.added) return;
    this.added = true;
    const { graph, headsOfToken } = this;
    const { kvHeads } = this.config;
    const turned = Array.from({ length: headsOfToken }, (_, head) =>
      head < headsOfToken - kvHeads ? 1 : 0,
    );
    const column = graph.reshape('position_ids', [-1, 1], 'column');
    graph.node('Mul', [column, graph.integers(turned)], POSITIONS);
  }

  private get headsOfToken(): number {
    const { heads, kvHeads } = this.config;
    return heads + 2 * kvHeads;
  }
}
