/** Where a step's results land in host memory: rows of logits, hidden states, the most likely tokens, or peaks. */
import type { Copy } from '../ort/cuda-runtime.ts';
import type { Address } from '../ort/library.ts';
import { Block, BYTES_PER_ELEMENT, type Device, type Tensor } from '../ort/tensor.ts';
import type { StepRow } from './engine.ts';

/** As the graph calls them. */
export type OutputName = 'logits' | 'hidden' | 'top_ids' | 'peaks';

export class StepOutputs {
  readonly name: OutputName;
  /** Numbers in a row. */
  readonly width: number;
  readonly type: 'float32' | 'int64';
  private readonly memory: Device;
  private block: Block;

  /** @param memory of the host */
  constructor(
    name: OutputName,
    width: number,
    memory: Device,
    type: 'float32' | 'int64' = 'float32',
  ) {
    this.name = name;
    this.width = width;
    this.type = type;
    this.memory = memory;
    this.block = new Block(memory, this.rowBytes);
  }

  get rowBytes(): number {
    return this.width * BYTES_PER_ELEMENT[this.type];
  }

  /** Makes room for a step's rows; the last step's are no longer valid. */
  reserve(rows: number): void {
    this.block = withRoom(this.block, this.memory, rows * this.rowBytes);
  }

  /** What a run writes to. */
  tensor(firstRow: number, rows: number): Tensor {
    return this.tensorIn(this.block, firstRow, rows);
  }

  /** Where a row lies. */
  place(row: number): Address {
    return this.block.address + BigInt(row * this.rowBytes);
  }

  /** What brings `rows` rows of a captured run, which lie at `from`, to rows `first` and on. */
  downloads(from: Address, first: number, rows: number): Copy[] {
    return rows === 0 ? [] : [{ to: this.place(first), from, bytes: rows * this.rowBytes }];
  }

  /**
   * Gives `row` its logits, which are rows `first` and on.
   * @param _captured where a captured run left the first of them; null after any other
   */
  hand(row: StepRow, first: number, count: number, _captured: Address | null): void {
    row.logits = this.view(first, count);
  }

  view(firstRow: number, rows: number): Float32Array {
    return new Float32Array(this.block.buffer, firstRow * this.rowBytes, rows * this.width);
  }

  /** Integers, each with its upper half behind it. */
  words(firstRow: number, rows: number): Int32Array {
    return new Int32Array(this.block.buffer, firstRow * this.rowBytes, 2 * rows * this.width);
  }

  release(): void {
    this.block.release();
  }

  protected tensorIn(block: Block, firstRow: number, rows: number): Tensor {
    return block.tensor(this.type, [1, rows, this.width], firstRow * this.rowBytes);
  }
}

/** The block itself where it is large enough, else a new one in its place. */
export function withRoom(block: Block, memory: Device, bytes: number): Block {
  if (bytes <= block.bytes) return block;
  block.release();
  return new Block(memory, bytes);
}
