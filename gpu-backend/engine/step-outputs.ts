/** Where a step's results land in host memory: rows of logits, and of hidden states if asked for. */
import type { Address } from '../ort/library.ts';
import { Block, type Device, type Tensor } from '../ort/tensor.ts';

const BYTES_PER_FLOAT = 4;

export class StepOutputs {
  readonly width: number;
  private readonly memory: Device;
  private block: Block;
  private floats: Float32Array;

  /**
   * @param width floats in a row
   * @param memory of the host
   */
  constructor(width: number, memory: Device) {
    this.width = width;
    this.memory = memory;
    this.block = new Block(memory, width * BYTES_PER_FLOAT);
    this.floats = new Float32Array(this.block.buffer);
  }

  /** Makes room for a step's rows; the last step's are no longer valid. */
  reserve(rows: number): void {
    const bytes = rows * this.width * BYTES_PER_FLOAT;
    if (bytes <= this.block.bytes) return;
    this.block.release();
    this.block = new Block(this.memory, bytes);
    this.floats = new Float32Array(this.block.buffer);
  }

  tensor(firstRow: number, rows: number): Tensor {
    const offset = firstRow * this.width * BYTES_PER_FLOAT;
    return this.block.tensor('float32', [1, rows, this.width], offset);
  }

  /** Where a row lies. */
  place(firstRow: number): Address {
    return this.block.address + BigInt(firstRow * this.width * BYTES_PER_FLOAT);
  }

  view(firstRow: number, rows: number): Float32Array {
    return this.floats.subarray(firstRow * this.width, (firstRow + rows) * this.width);
  }

  release(): void {
    this.block.release();
  }
}
