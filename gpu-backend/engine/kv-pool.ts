/**
 * The keys and values of every slot: per layer one block for keys and one for
 * values, [slots, capacity, kvHeads · headDim]. Position-major rows make any
 * first part of a slot one contiguous tensor, so attention can be given exactly
 * the length it needs, and one layout serves ONNX Runtime's CPU and CUDA kernels.
 */
import {
  Block,
  BYTES_PER_ELEMENT,
  type Device,
  type ElementTypeName,
  type Tensor,
} from '../ort/tensor.ts';

export interface KvShape {
  layers: number;
  /** kvHeads · headDim. */
  width: number;
  type: ElementTypeName;
}

/** Bytes of keys and values that one token takes over all layers. */
export function bytesPerToken(shape: KvShape): number {
  return 2 * shape.layers * shape.width * BYTES_PER_ELEMENT[shape.type];
}

export class KvPool {
  /** Tokens a slot can hold. */
  readonly capacity: number;
  private readonly shape: KvShape;
  /** [layer][0 keys, 1 values] */
  private readonly blocks: readonly (readonly [Block, Block])[];
  private readonly rowBytes: number;

  constructor(device: Device, shape: KvShape, slots: number, capacity: number) {
    this.shape = shape;
    this.capacity = capacity;
    this.rowBytes = shape.width * BYTES_PER_ELEMENT[shape.type];
    const bytes = slots * capacity * this.rowBytes;
    this.blocks = Array.from({ length: shape.layers }, () => [
      new Block(device, bytes),
      new Block(device, bytes),
    ]);
  }

  /** Keys (0) or values (1) of a slot's first `tokens` tokens in one layer, [1, tokens, width]. */
  tensor(layer: number, which: 0 | 1, slot: number, tokens: number): Tensor {
    const offset = slot * this.capacity * this.rowBytes;
    return this.blocks[layer]![which].tensor(
      this.shape.type,
      [1, tokens, this.shape.width],
      offset,
    );
  }

  /** Moves one token's keys and values to an earlier place in the same slot. Host memory only. */
  moveToken(slot: number, from: number, to: number): void {
    const base = slot * this.capacity;
    for (const pair of this.bytes()) {
      for (const bytes of pair) {
        const source = (base + from) * this.rowBytes;
        bytes.copyWithin((base + to) * this.rowBytes, source, source + this.rowBytes);
      }
    }
  }

  private views: (readonly [Uint8Array, Uint8Array])[] | undefined;

  private bytes(): (readonly [Uint8Array, Uint8Array])[] {
    this.views ??= this.blocks.map(([keys, values]) => [
      new Uint8Array(keys.buffer()),
      new Uint8Array(values.buffer()),
    ]);
    return this.views;
  }

  release(): void {
    for (const pair of this.blocks) for (const block of pair) block.release();
  }
}
