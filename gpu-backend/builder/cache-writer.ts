/** Writes the new rows of a step into a lane's caches, at the places that `write.i` names. */
import { type CacheName, cacheNames } from './cache-names.ts';
import type { DecoderConfig } from './config.ts';
import type { GraphBuilder } from './onnx.ts';
import type { ComputeType } from './tensor-reader.ts';

export class CacheWriter {
  private readonly graph: GraphBuilder;
  private readonly config: DecoderConfig;
  private readonly compute: ComputeType;
  private readonly batchedLanes: boolean;

  constructor(
    graph: GraphBuilder,
    config: DecoderConfig,
    compute: ComputeType,
    batchedLanes: boolean,
  ) {
    this.graph = graph;
    this.config = config;
    this.compute = compute;
    this.batchedLanes = batchedLanes;
  }

  addLane(lane: number): void {
    this.graph.input(`write.${lane}`, 'int64', [this.batch(lane)]);
  }

  /** The caches of number `cache` with the lane's new `rows` in them, keys and values: [B, M, kvHeads · headDim] each. */
  write(cache: number, lane: number, rows: readonly [string, string]): [string, string] {
    const [keys, values] = cacheNames(cache, lane);
    return [this.scatter(keys, rows[0], lane), this.scatter(values, rows[1], lane)];
  }

  private scatter({ input, output }: CacheName, rows: string, lane: number): string {
    const { graph, config, compute } = this;
    const shape = [this.batch(lane), `M${lane}`, config.kvHeads * config.headDim];
    graph.input(input, compute, shape);
    graph.node('TensorScatter', [input, rows, `write.${lane}`], output, { axis: 1 });
    return graph.output(output, compute, shape);
  }

  private batch(lane: number): string | number {
    return this.batchedLanes ? `B${lane}` : 1;
  }
}
