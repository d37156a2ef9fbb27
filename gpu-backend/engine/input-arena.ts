/**
 * Host memory for the small inputs of one run: integers and masks, taken front
 * to back. The next run takes the same memory again, so nothing is allocated
 * once it has grown to the largest run.
 */
import { Block, cpuDevice, type ElementTypeName, type Tensor } from '../ort/tensor.ts';

const BYTES_PER_INT64 = 8;
/** Cache line, so that no kernel meets an unaligned mask. */
const MASK_ALIGNMENT = 32;

/** A tensor and, to fill it, where its elements lie in the arena's array. */
export interface ArenaTensor {
  offset: number;
  tensor: Tensor;
}

export class InputArena {
  /** Two words an integer, low word first: JS would allocate for every 64-bit store. */
  words = new Int32Array(0);
  masks: Float32Array | Uint16Array = new Float32Array(0);
  private readonly maskType: ElementTypeName;
  private integerBlock = new Block(cpuDevice(), BYTES_PER_INT64);
  private maskBlock = new Block(cpuDevice(), BYTES_PER_INT64);
  private integers = 0;
  private maskElements = 0;
  private readonly tensors: Tensor[] = [];

  constructor(maskType: 'float32' | 'float16') {
    this.maskType = maskType;
  }

  /** Starts a run that will take at most so much; what the last run got is no longer valid. */
  begin(integers: number, maskElements: number, lanes: number): void {
    for (const tensor of this.tensors) tensor.release();
    this.tensors.length = 0;
    this.integers = 0;
    this.maskElements = 0;
    const integerBytes = integers * BYTES_PER_INT64;
    if (this.integerBlock.bytes < integerBytes) {
      this.integerBlock = regrown(this.integerBlock, integerBytes);
      this.words = new Int32Array(this.integerBlock.buffer);
    }
    const half = this.maskType === 'float16';
    const maskBytes = (maskElements + lanes * MASK_ALIGNMENT) * (half ? 2 : 4);
    if (this.maskBlock.bytes < maskBytes) {
      this.maskBlock = regrown(this.maskBlock, maskBytes);
      const { buffer } = this.maskBlock;
      this.masks = half ? new Uint16Array(buffer) : new Float32Array(buffer);
    }
  }

  int64(shape: readonly number[]): ArenaTensor {
    const offset = this.integers;
    const tensor = this.integerBlock.tensor('int64', shape, offset * BYTES_PER_INT64);
    this.integers += shape.reduce((product, size) => product * size, 1);
    this.tensors.push(tensor);
    return { offset, tensor };
  }

  /** One integer of four bytes: the low half of a place. */
  int32(): ArenaTensor {
    const offset = this.integers++;
    const tensor = this.integerBlock.tensor('int32', [1], offset * BYTES_PER_INT64);
    this.tensors.push(tensor);
    return { offset, tensor };
  }

  mask(shape: readonly number[]): ArenaTensor {
    const offset = this.maskElements;
    const bytes = offset * this.masks.BYTES_PER_ELEMENT;
    const tensor = this.maskBlock.tensor(this.maskType, shape, bytes);
    const end = offset + shape.reduce((product, size) => product * size, 1);
    this.maskElements = Math.ceil(end / MASK_ALIGNMENT) * MASK_ALIGNMENT;
    this.tensors.push(tensor);
    return { offset, tensor };
  }

  /** Stores an integer below 2^31 in magnitude. */
  set(index: number, value: number): void {
    this.words[2 * index] = value;
    this.words[2 * index + 1] = value < 0 ? -1 : 0;
  }

  release(): void {
    for (const tensor of this.tensors) tensor.release();
    this.integerBlock.release();
    this.maskBlock.release();
  }
}

function regrown(block: Block, bytes: number): Block {
  block.release();
  return new Block(cpuDevice(), 2 * bytes);
}
