/**
 * Host memory for the small inputs of one run: integers, then masks and states, taken front
 * to back. The next run takes the same memory again, so nothing is allocated
 * once it has grown to the largest run.
 */
import type { Copy } from '../ort/cuda-runtime.ts';
import { Block, cpuDevice, type Device, type ElementTypeName, type Tensor } from '../ort/tensor.ts';

const BYTES_PER_INT64 = 8;
/** Cache line, so that no kernel meets an unaligned mask. */
const FLOAT_ALIGNMENT = 32;

/** A tensor and, to fill it, where its elements lie in the arena's array. */
export interface ArenaTensor {
  offset: number;
  tensor: Tensor;
}

/** A run's inputs on a device, at places that follow from their shapes alone. */
export interface Twin {
  device: Device;
  /** Host memory that is copied to it. */
  host: Device;
  bytes: number;
}

/** Bytes of an arena that takes so much in a run. */
export function arenaBytes(
  integers: number,
  elements: number,
  floatTensors: number,
  floatType: 'float32' | 'float16',
): number {
  const padded = elements + floatTensors * FLOAT_ALIGNMENT;
  return floatsFrom(integers) + padded * (floatType === 'float16' ? 2 : 4);
}

/** Where masks and states begin, after so many integers. */
function floatsFrom(integers: number): number {
  const grain = FLOAT_ALIGNMENT * 4;
  return Math.ceil((integers * BYTES_PER_INT64) / grain) * grain;
}

export class InputArena {
  /** Two words an integer, low word first: JS would allocate for every 64-bit store. */
  words = new Int32Array(0);
  floats: Float32Array | Uint16Array = new Float32Array(0);
  private readonly floatType: 'float32' | 'float16';
  private block: Block;
  /** Where tensors lie that a device reads; null for host memory. */
  private readonly twin: Block | null;
  private integers = 0;
  private elements = 0;
  private readonly tensors: Tensor[] = [];

  /** @param twin of a size that is never exceeded, as its place stays */
  constructor(floatType: 'float32' | 'float16', twin?: Twin) {
    this.floatType = floatType;
    this.block = new Block(twin?.host ?? cpuDevice(), twin?.bytes ?? BYTES_PER_INT64);
    this.twin = twin ? new Block(twin.device, twin.bytes) : null;
    this.remapViews();
  }

  /** Starts a run that will take at most so much; what the last run got is no longer valid. */
  begin(integers: number, elements: number, floatTensors: number): void {
    for (const tensor of this.tensors) tensor.release();
    this.tensors.length = 0;
    const bytes = arenaBytes(integers, elements, floatTensors, this.floatType);
    if (this.block.bytes < bytes) this.grow(bytes);
    this.integers = 0;
    this.elements = floatsFrom(integers) / this.floats.BYTES_PER_ELEMENT;
  }

  int64(shape: readonly number[]): ArenaTensor {
    return this.integer('int64', shape, this.twin ?? this.block);
  }

  /** Integers that operators read on the host. */
  hostInt64(shape: readonly number[]): ArenaTensor {
    return this.integer('int64', shape, this.block);
  }

  /** One integer of four bytes: the low half of a place. */
  int32(): ArenaTensor {
    return this.integer('int32', [1], this.twin ?? this.block);
  }

  float(shape: readonly number[]): ArenaTensor {
    const offset = this.elements;
    const end = offset + elementsOf(shape);
    this.elements = Math.ceil(end / FLOAT_ALIGNMENT) * FLOAT_ALIGNMENT;
    const bytes = offset * this.floats.BYTES_PER_ELEMENT;
    return this.take(this.floatType, shape, offset, bytes, this.twin ?? this.block);
  }

  /** Stores an integer below 2^31 in magnitude. */
  set(index: number, value: number): void {
    this.words[2 * index] = value;
    this.words[2 * index + 1] = value < 0 ? -1 : 0;
  }

  /** What brings the run's inputs to the device. */
  get upload(): Copy {
    const bytes = this.elements * this.floats.BYTES_PER_ELEMENT;
    return { to: this.twin!.address, from: this.block.address, bytes };
  }

  release(): void {
    for (const tensor of this.tensors) tensor.release();
    this.block.release();
    this.twin?.release();
  }

  private integer(type: 'int64' | 'int32', shape: readonly number[], block: Block): ArenaTensor {
    const offset = this.integers;
    this.integers += elementsOf(shape);
    return this.take(type, shape, offset, offset * BYTES_PER_INT64, block);
  }

  private take(
    type: ElementTypeName,
    shape: readonly number[],
    offset: number,
    bytes: number,
    block: Block,
  ): ArenaTensor {
    const tensor = block.tensor(type, shape, bytes);
    this.tensors.push(tensor);
    return { offset, tensor };
  }

  private grow(bytes: number): void {
    if (this.twin) throw new RangeError(`inputs of ${bytes} bytes exceed ${this.block.bytes}`);
    this.block.release();
    this.block = new Block(cpuDevice(), 2 * bytes);
    this.remapViews();
  }

  private remapViews(): void {
    const { buffer } = this.block;
    const words = buffer.byteLength >> 2;
    this.words = new Int32Array(buffer, 0, words);
    this.floats =
      this.floatType === 'float16'
        ? new Uint16Array(buffer, 0, 2 * words)
        : new Float32Array(buffer, 0, words);
  }
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
