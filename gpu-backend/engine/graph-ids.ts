/**
 * Which runs of one graph are captured, and under which number. ONNX Runtime keeps a captured
 * CUDA graph until its session is released, so a shape must come twice, and their number is bounded.
 */
import type { Lane } from './lane.ts';

/** A captured graph of some hundred launches takes a megabyte or two. */
const MOST_GRAPHS = 512;
/** Shapes that were seen once; beyond that they are forgotten together. */
const MOST_SEEN = 4096;

export class GraphIds {
  private readonly ids = new Map<string, number>();
  private readonly seen = new Set<string>();
  /** Shapes whose capture failed. Each keeps its number: what ONNX Runtime holds under it is not known. */
  private readonly refused = new Set<string>();

  /** The number of a shape's graph; `undefined` where none was captured. */
  captured(shape: string): number | undefined {
    return this.ids.get(shape);
  }

  /** Takes note of a shape; whether it is worth a capture, which the first run is not. */
  comesAgain(shape: string): boolean {
    if (this.refused.has(shape)) return false;
    if (this.seen.has(shape)) return this.next <= MOST_GRAPHS;
    if (this.seen.size === MOST_SEEN) this.seen.clear();
    this.seen.add(shape);
    return false;
  }

  /** What the next graph is captured under. */
  get next(): number {
    return this.ids.size + this.refused.size + 1;
  }

  /** The graph `next` was captured. */
  add(shape: string): void {
    this.ids.set(shape, this.next);
    this.seen.delete(shape);
  }

  /** The capture of `next` failed: the shape is not tried again. */
  refuse(shape: string): void {
    this.refused.add(shape);
    this.seen.delete(shape);
  }
}

/** Everything that a capture holds on to: shapes, and where the caches lie. */
export function shapeOf(lanes: readonly Lane[]): string {
  return lanes
    .map(({ pool, first, slots, rows, width }) =>
      [pool.blocks[0]!.address, first, slots.length, rows, width].join(),
    )
    .join(' ');
}
