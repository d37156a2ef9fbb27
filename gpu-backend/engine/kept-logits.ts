/**
 * Logits that stay on the device. A step of many rows reads few of them: those that its walk visits.
 * Rows come to the host when they are read, and are the same bits as if all had come.
 */
import type { Copy, CudaRuntime } from '../ort/cuda-runtime.ts';
import type { Address } from '../ort/library.ts';
import { Block, type Device, type Tensor } from '../ort/tensor.ts';
import type { StepRow } from './engine.ts';
import { StepOutputs, withRoom } from './step-outputs.ts';

export class KeptLogits extends StepOutputs {
  private readonly device: Device;
  private readonly runtime: CudaRuntime;
  private twin: Block;

  constructor(width: number, host: Device, device: Device, runtime: CudaRuntime) {
    super('logits', width, host);
    this.device = device;
    this.runtime = runtime;
    this.twin = new Block(device, this.rowBytes);
  }

  override reserve(rows: number): void {
    super.reserve(rows);
    this.twin = withRoom(this.twin, this.device, rows * this.rowBytes);
  }

  override tensor(firstRow: number, rows: number): Tensor {
    return this.tensorIn(this.twin, firstRow, rows);
  }

  override downloads(): Copy[] {
    return [];
  }

  /** Brings all rows at once, or each when it is asked for. */
  override hand(row: StepRow, first: number, count: number, captured: Address | null): void {
    super.hand(row, first, count, captured);
    const from = captured ?? this.twin.address + BigInt(first * this.rowBytes);
    const bring = (at: number, rows: number) =>
      this.runtime.copy({
        to: this.place(first + at),
        from: from + BigInt(at * this.rowBytes),
        bytes: rows * this.rowBytes,
      });
    row.load = row.selective ? (at) => bring(at, 1) : undefined;
    if (!row.selective && count > 0) bring(0, count);
  }

  override release(): void {
    super.release();
    this.twin.release();
  }
}
