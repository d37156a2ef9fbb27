/**
 * A model's matrices, once for all graphs that compute with them, in the memory where they
 * compute. Vectors are left to each graph: some of their kernels refuse to share what they
 * prepare.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { partName } from '../builder/linear/stored-matrix.ts';
import type { ExternalData } from '../builder/onnx.ts';
import type { PreparedModel } from '../builder/prepare.ts';
import { SharedInitializers } from '../ort/inference-session.ts';
import { Block, cpuDevice, type Device, type Tensor } from '../ort/tensor.ts';
import type { DeviceMemory } from './device-memory.ts';

/** A matrix goes to a device by way of so much host memory, where the device takes it in parts. */
const PIECE_BYTES = 2 ** 26;

export class SharedWeights {
  /** Where they lie, and where everything else that several graphs use belongs. */
  readonly device: Device;
  readonly initializers: SharedInitializers;
  private readonly blocks: readonly Block[];
  /** The device's; null for host memory. */
  readonly memory: DeviceMemory | null;
  /** Engines that use them: the last one frees them. */
  private users = 1;

  private constructor(
    blocks: readonly Block[],
    tensors: ReadonlyMap<string, Tensor>,
    memory: DeviceMemory | null,
  ) {
    this.blocks = blocks;
    this.initializers = new SharedInitializers(tensors);
    this.memory = memory;
    this.device = memory?.device ?? cpuDevice();
  }

  /**
   * @param memory the device's, which is released with the weights, or when loading fails; null for host memory
   */
  static async load(
    { folder, layout }: PreparedModel,
    memory: DeviceMemory | null,
  ): Promise<SharedWeights> {
    const tensors = new Map<string, Tensor>();
    const blocks = new Map<string, Block>();
    const blockOf = async ({ file, offset, bytes }: ExternalData) => {
      // A table's bytes have two names where they are read in two shapes.
      const known = blocks.get(`${file} ${offset}`);
      if (known) return known;
      const block = memory
        ? new Block(memory.device, memory.sizeFor(bytes))
        : new Block(cpuDevice(), bytes);
      blocks.set(`${file} ${offset}`, block);
      const path = join(folder, file);
      if (memory) await upload(memory, block, path, offset, bytes);
      else readInto(new Uint8Array(block.buffer), path, offset);
      return block;
    };
    try {
      for (const [matrix, { parts }] of Object.entries(layout.matrices)) {
        for (const [part, data] of Object.entries(parts)) {
          const block = await blockOf(data);
          tensors.set(partName(matrix, part), block.tensor(data.type, data.shape));
        }
      }
      return new SharedWeights([...blocks.values()], tensors, memory);
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

async function upload(
  memory: DeviceMemory,
  block: Block,
  file: string,
  offset: number,
  bytes: number,
): Promise<void> {
  const most = memory.inParts ? PIECE_BYTES : block.bytes;
  const piece = new Block(cpuDevice(), Math.min(most, block.bytes));
  try {
    for (let done = 0; done < bytes; done += piece.bytes) {
      const read = Math.min(piece.bytes, bytes - done);
      readInto(new Uint8Array(piece.buffer, 0, read), file, offset + done);
      await memory.write(piece, block, done, memory.sizeFor(read));
    }
  } finally {
    piece.release();
  }
}

function readInto(bytes: Uint8Array, file: string, offset: number): void {
  const descriptor = openSync(file, 'r');
  try {
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(descriptor, bytes, done, bytes.length - done, offset + done);
      if (read === 0) throw new Error(`${file} is shorter than its layout says: delete its folder`);
      done += read;
    }
  } finally {
    closeSync(descriptor);
  }
}
