/**
 * The largest logit of each block of a row: who looks for the few largest of a row reads
 * the blocks that contain them, and not the other 50,000 to 150,000 logits.
 */
import type { GraphBuilder } from './onnx.ts';

/** Of a block, the widest first. Wider ones make fewer peaks to read, and longer walks in a block. */
const WIDTHS = [64, 32, 16];

/** How many blocks a row of so many logits has; 0 where no width divides it: then it has no peaks. */
export function blocksIn(logits: number): number {
  const width = WIDTHS.find((one) => logits % one === 0);
  return width === undefined ? 0 : logits / width;
}

/** Adds the output peaks [1, R, `blocks`] beside logits [1, R, `logits`]. */
export function addPeaks(graph: GraphBuilder, logits: number, blocks: number): void {
  const cut = graph.reshape('logits', [1, -1, blocks, logits / blocks], 'blocks');
  graph.nodeWithOutputs('ReduceMax', [cut, graph.integers([3])], ['peaks'], { keepdims: 0 });
  graph.output('peaks', 'float32', [1, 'R', blocks]);
}
