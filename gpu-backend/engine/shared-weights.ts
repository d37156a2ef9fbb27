/**
 * A model's matrices, once for all graphs that compute with them, in the memory where they
 * compute. Vectors are left to each graph: some of their kernels refuse to share what they
 * prepare.
 */
import { join } from 'node:path';
import { type Initializer, partName } from '../builder/linear/stored-matrix.ts';
import type { MemoryForm } from '../builder/memory-form.ts';
import type { PreparedModel } from '../builder/prepare.ts';
import { SharedInitializers } from '../ort/inference-session.ts';
import { Block, cpuDevice, type Device, type Tensor } from '../ort/tensor.ts';
import type { DeviceMemory } from './device-memory.ts';
import { type PartSource, readPart, unitOf } from './turned-part.ts';

/** Large beside the price of a copy, and small beside a model. */
const PIECE_BYTES = 2 ** 26;

export class SharedWeights {
  /** Where they lie, and where everything else that several graphs use belongs. */
  readonly device: Device;
  readonly initializers: SharedInitializers;
  private readonly blocks: readonly Block[];
  /** The device's; null for host memory. */
  readonly memory: DeviceMemory | null;
  /** What of them was loaded otherwise than it lies in the files; null for nothing. */
  readonly form: MemoryForm | null;
  /** Engines that use them: the last one frees them. */
  private users = 1;

  private constructor(
    blocks: readonly Block[],
    tensors: ReadonlyMap<string, Tensor>,
    memory: DeviceMemory | null,
    form: MemoryForm | null,
  ) {
    this.blocks = blocks;
    this.form = form;
    this.initializers = new SharedInitializers(tensors);
    this.memory = memory;
    this.device = memory?.device ?? cpuDevice();
  }

  /**
   * @param memory the device's, which is released with the weights, or when loading fails; null for host memory
   * @param form null for matrices as they lie in the files
   * @param pieceBytes of host memory by way of which a matrix goes to a device that takes it in parts
   */
  static async load(
    { folder, layout, model }: PreparedModel,
    memory: DeviceMemory | null,
    form: MemoryForm | null,
    pieceBytes = PIECE_BYTES,
  ): Promise<SharedWeights> {
    const { heads, headDim } = model.config;
    const { matrices } = form?.layoutOf(layout) ?? layout;
    const tensors = new Map<string, Tensor>();
    const blocks = new Map<string, Block>();
    const sourcesOf = (matrix: string, rows: number, data: Initializer) =>
      (data.pieces ?? [data]).map(({ file, offset, bytes }, i): PartSource => {
        const common = { file: join(folder, file), offset, bytes, heads, headDim };
        // Of joined rows the first piece's are the query heads.
        const turned =
          form && i === 0 ? { order: form.order, side: form.order.sideOf(matrix) } : {};
        return { ...common, rows: (rows * bytes) / data.bytes, ...turned };
      });
    const blockOf = async (sources: readonly PartSource[], bytes: number) => {
      // A table's bytes have two names where they are read in two shapes.
      const place = `${sources[0]!.file} ${sources[0]!.offset}`;
      const known = blocks.get(place);
      if (known) return known;
      const block = memory
        ? new Block(memory.device, memory.sizeFor(bytes))
        : new Block(cpuDevice(), bytes);
      blocks.set(place, block);
      let at = 0;
      for (const source of sources) {
        if (memory) await upload(memory, pieceBytes, source, block, at);
        else readPart(source, new Uint8Array(block.buffer, at, source.bytes), 0);
        at += source.bytes;
      }
      return block;
    };
    try {
      for (const [matrix, { parts, shape }] of Object.entries(matrices)) {
        for (const [part, data] of Object.entries(parts)) {
          const block = await blockOf(sourcesOf(matrix, shape[0], data), data.bytes);
          tensors.set(partName(matrix, part), block.tensor(data.type, data.shape));
        }
      }
      return new SharedWeights([...blocks.values()], tensors, memory, form);
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

/** Writes a part to the device, from `start` of `block` on. */
async function upload(
  memory: DeviceMemory,
  pieceBytes: number,
  source: PartSource,
  block: Block,
  start: number,
): Promise<void> {
  const { bytes } = source;
  const all = memory.sizeFor(bytes);
  const unit = unitOf(source);
  const most = memory.inParts ? Math.max(1, Math.floor(pieceBytes / unit)) * unit : all;
  const piece = new Block(cpuDevice(), Math.min(most, all));
  try {
    for (let done = 0; done < bytes; done += piece.bytes) {
      const read = Math.min(piece.bytes, bytes - done);
      readPart(source, new Uint8Array(piece.buffer, 0, read), done);
      await memory.write(piece, block, start + done, memory.sizeFor(read));
    }
  } finally {
    piece.release();
  }
}
