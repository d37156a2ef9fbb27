/**
 * The keys and values of a bucket of slots: per layer one block for keys and one
 * for values, [slots, stride, kvHeads · headDim]. Rows lie in the order of
 * positions, so the first part of a slot is one contiguous tensor: attention is
 * given exactly the length it needs, without a copy. ONNX Runtime's CPU and CUDA
 * kernels both read this layout as it lies.
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
  /**
   * Key heads, where each head's rows lie together and every slot has blocks of its own:
   * [1, heads, stride, headDim], as GroupQueryAttention takes them. Else rows lie together.
   */
  heads?: number | undefined;
}

/** Bytes of keys and values that one token takes over all layers. */
export function bytesPerToken(shape: KvShape): number {
  return 2 * shape.layers * shape.width * BYTES_PER_ELEMENT[shape.type];
}

/** Sets of views that are kept ready; more than the lanes of any run. */
const MAX_VIEWS = 256;

export class KvPool {
  readonly slots: number;
  /** Tokens from one slot's start to the next. */
  readonly stride: number;
  readonly shape: KvShape;
  /** Keys and values of layer 0, of layer 1, …; by heads those of slot 0, then of slot 1, … */
  readonly blocks: readonly Block[];
  private readonly rowBytes: number;
  /** Least recently used first. */
  private readonly views = new Map<string, readonly Tensor[]>();

  constructor(device: Device, shape: KvShape, slots: number, stride: number) {
    this.shape = shape;
    this.slots = slots;
    this.stride = stride;
    this.rowBytes = shape.width * BYTES_PER_ELEMENT[shape.type];
    const [sets, slotsOfSet] = shape.heads === undefined ? [1, slots] : [slots, 1];
    const bytes = slotsOfSet * stride * this.rowBytes;
    this.blocks = Array.from({ length: sets * 2 * shape.layers }, () => new Block(device, bytes));
  }

  /** Bytes from a block's start to a token's row. */
  offset(slot: number, token: number): number {
    return (slot * this.stride + token) * this.rowBytes;
  }

  /**
   * The first `tokens` rows of `batch` neighbouring slots, [batch, tokens, width],
   * in the order of `blocks`. With several slots `tokens` must be the stride. The
   * same call gives the same tensors while they are in use.
   */
  view(first: number, batch: number, tokens: number): readonly Tensor[] {
    if (this.shape.heads !== undefined) return this.whole(first, this.shape.heads);
    if (tokens > this.stride || (batch > 1 && tokens !== this.stride)) {
      throw new RangeError(`${tokens} rows of ${batch} slots are not one tensor`);
    }
    return this.kept(`${first} ${batch} ${tokens}`, () =>
      this.blocks.map((block) =>
        block.tensor(this.shape.type, [batch, tokens, this.shape.width], this.offset(first, 0)),
      ),
    );
  }

  /** A slot's blocks by heads, each as it is: [1, heads, stride, headDim]. */
  private whole(slot: number, heads: number): readonly Tensor[] {
    const { layers, width, type } = this.shape;
    const shape = [1, heads, this.stride, width / heads];
    return this.kept(`${slot}`, () =>
      this.blocks
        .slice(slot * 2 * layers, (slot + 1) * 2 * layers)
        .map((block) => block.tensor(type, shape)),
    );
  }

  private kept(key: string, make: () => readonly Tensor[]): readonly Tensor[] {
    const tensors = this.views.get(key) ?? make();
    this.views.delete(key);
    this.views.set(key, tensors);
    if (this.views.size > MAX_VIEWS) this.dropOldest();
    return tensors;
  }

  private dropOldest(): void {
    for (const [key, tensors] of this.views) {
      for (const tensor of tensors) tensor.release();
      this.views.delete(key);
      return;
    }
  }

  release(): void {
    while (this.views.size > 0) this.dropOldest();
    for (const block of this.blocks) block.release();
  }
}

/** A row of keys and values, in all blocks. */
export interface KvPlace {
  pool: KvPool;
  slot: number;
  token: number;
}
