/**
 * A model's matrices, once for all graphs that compute with them, in the memory where they
 * compute. Vectors are left to each graph: some of their kernels refuse to share what they
 * prepare.
 */
import { join } from 'node:path';
import type { HeadOrder } from '../builder/head-order.ts';
import { partName } from '../builder/linear/stored-matrix.ts';
import type { PreparedModel } from '../builder/prepare.ts';
import { SharedInitializers } from '../ort/inference-session.ts';
import { Block, cpuDevice, type Device, type Tensor } from '../ort/tensor.ts';
import type { DeviceMemory } from './device-memory.ts';
import { type PartSource, readPart, unitOf } from './turned-part.ts';

/** A matrix goes to a device by way of so much host memory, where the device takes it in parts. */
const PIECE_BYTES = 2 ** 26;

export class SharedWeights {
  /** Where they lie, and where everything else that several graphs use belongs. */
  readonly device: Device;
  readonly initializers: SharedInitializers;
  private readonly blocks: readonly Block[];
  /** The device's; null for host memory. */
  readonly memory: DeviceMemory | null;
  /** What of them was loaded in another order of heads than the checkpoint's; null for nothing. */
  readonly order: HeadOrder | null;
  /** Engines that use them: the last one frees them. */
  private users = 1;

  private constructor(
    blocks: readonly Block[],
    tensors: ReadonlyMap<string, Tensor>,
    memory: DeviceMemory | null,
    order: HeadOrder | null,
  ) {
    this.blocks = blocks;
    this.order = order;
    this.initializers = new SharedInitializers(tensors);
    this.memory = memory;
    this.device = memory?.device ?? cpuDevice();
  }

  /**
   * @param memory the device's, which is released with the weights, or when loading fails; null for host memory
   * @param order null for the checkpoint's own
   */
  static async load(
    { folder, layout, model }: PreparedModel,
    memory: DeviceMemory | null,
    order: HeadOrder | null,
  ): Promise<SharedWeights> {
    const { heads, headDim } = model.config;
    const tensors = new Map<string, Tensor>();
    const blocks = new Map<string, Block>();
    const blockOf = async (source: PartSource) => {
      const { file, offset, bytes } = source;
      // A table's bytes have two names where they are read in two shapes.
      const known = blocks.get(`${file} ${offset}`);
      if (known) return known;
      const block = memory
        ? new Block(memory.device, memory.sizeFor(bytes))
        : new Block(cpuDevice(), bytes);
      blocks.set(`${file} ${offset}`, block);
      if (memory) await upload(memory, block, source);
      else readPart(source, new Uint8Array(block.buffer), 0);
      return block;
    };
    try {
      for (const [matrix, { parts, shape }] of Object.entries(layout.matrices)) {
        const turned = order ? { order, side: order.sideOf(matrix) } : {};
        for (const [part, data] of Object.entries(parts)) {
          const { offset, bytes } = data;
          const file = join(folder, data.file);
          const rows = shape[0];
          const block = await blockOf({ file, offset, bytes, rows, heads, headDim, ...turned });
          tensors.set(partName(matrix, part), block.tensor(data.type, data.shape));
        }
      }
      return new SharedWeights([...blocks.values()], tensors, memory, order);
    } catch (cause) {
      for (const tensor of tensors.values()) tensor.release();
      for (const block of blocks.values()) block.release();
      memory?.release();
      throw cause;
    }
  }

  retain(): this {
    this.users++;
    return this;
  }

  release(): void {
    if (--this.users > 0) return;
    this.initializers.release();
    for (const block of this.blocks) block.release();
    this.memory?.release();
  }
}

async function upload(memory: DeviceMemory, block: Block, source: PartSource): Promise<void> {
  const unit = unitOf(source);
  const most = memory.inParts ? Math.max(1, Math.floor(PIECE_BYTES / unit)) * unit : block.bytes;
  const piece = new Block(cpuDevice(), Math.min(most, block.bytes));
  const { bytes } = source;
  try {
    for (let done = 0; done < bytes; done += piece.bytes) {
      const read = Math.min(piece.bytes, bytes - done);
      readPart(source, new Uint8Array(piece.buffer, 0, read), done);
      await memory.write(piece, block, done, memory.sizeFor(read));
    }
  } finally {
    piece.release();
  }
}
