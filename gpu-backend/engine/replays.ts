/**
 * What captured runs share: their inputs and results on the device, at places that stay. A graph
 * is replayed at the addresses of its capture; only what lies there changes.
 */
import type { Copy } from '../ort/cuda-runtime.ts';
import type { Address } from '../ort/library.ts';
import { Block, type Device, type Tensor } from '../ort/tensor.ts';
import { arenaBytes, InputArena } from './input-arena.ts';
import type { StepOutputs } from './step-outputs.ts';

/** Rows of all lanes of a captured run. A step of more is not captured: its launches are long. */
export const MOST_REPLAYED_ROWS = 128;
/** Integers a row (token, position, logit row), a lane (rows, shape) and a slot (write, length), rounded up. */
const INTEGERS_A_ROW = 8;

export class Replays {
  readonly inputs: InputArena;
  private readonly outputs: { host: StepOutputs; block: Block }[];

  /**
   * @param device whose memory outlives the graphs, and is no part of what they compute in
   * @param stride of the longest slot: rows that a mask covers
   * @param outputs in host memory, of which each gets a twin
   */
  constructor(
    device: Device,
    maskType: 'float32' | 'float16',
    stride: number,
    lanes: number,
    outputs: readonly StepOutputs[],
  ) {
    const rows = MOST_REPLAYED_ROWS;
    const bytes = arenaBytes(INTEGERS_A_ROW * (rows + lanes), rows * stride, lanes, maskType);
    this.inputs = new InputArena(maskType, { device, host: device.host!, bytes });
    this.outputs = outputs.map((host) => ({
      host,
      block: new Block(device, rows * host.rowBytes),
    }));
  }

  /** The outputs of a run that gives `rows` rows, on the device. */
  tensors(rows: number): Tensor[] {
    return this.outputs.map(({ host, block }) => block.tensor(host.type, [1, rows, host.width]));
  }

  /** Where a row of an output lies on the device. */
  placeOf(output: StepOutputs, row: number): Address {
    const { block } = this.outputs.find(({ host }) => host === output)!;
    return block.address + BigInt(row * output.rowBytes);
  }

  /** What brings the first `rows` rows of outputs to rows `first` and on of the host's. */
  downloads(first: number, rows: number): Copy[] {
    return this.outputs.flatMap(({ host, block }) => host.downloads(block.address, first, rows));
  }

  release(): void {
    this.inputs.release();
    for (const { block } of this.outputs) block.release();
  }
}
