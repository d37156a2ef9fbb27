/**
 * Memory that ONNX Runtime owns, and tensors that look into it. V8 moves small
 * typed arrays when it collects garbage, so memory of the JS heap is never
 * handed to ORT: it is the other way round, JS looks into ORT's memory.
 */
import koffi from 'koffi';
import { type Address, type OrtLibrary, ortLibrary } from './library.ts';

/** ONNX's TensorProto.DataType. */
export const ElementType = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  float16: 10,
  bfloat16: 16,
} as const;
export type ElementTypeName = keyof typeof ElementType;

export const BYTES_PER_ELEMENT: Record<ElementTypeName, number> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  float16: 2,
  bfloat16: 2,
};

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** The allocator and memory types of onnxruntime_c_api.h that are used here. */
const OrtArenaAllocator = 1;
export const OrtDeviceAllocator = 0;
export const OrtMemTypeDefault = 0;
export const OrtMemTypeCpuOutput = -1;

/** Where blocks are made: plain memory, or a CUDA device by way of a session that runs there. */
export interface Device {
  readonly name: 'cpu' | 'cuda' | 'webgpu';
  readonly allocator: Address;
  readonly memoryInfo: Address;
  /** Host memory that a copy from the device reaches without a detour, where the device has such. */
  readonly host?: Device;
}

let hostDevice: Device | undefined;

export function cpuDevice(ort: OrtLibrary = ortLibrary()): Device {
  hostDevice ??= {
    name: 'cpu',
    allocator: ort.create('GetAllocatorWithDefaultOptions'),
    memoryInfo: ort.create('CreateCpuMemoryInfo', OrtArenaAllocator, OrtMemTypeDefault),
  };
  return hostDevice;
}

/** A run of bytes on a device. Tensors over it share it; `release` frees it under them. */
export class Block {
  readonly device: Device;
  readonly bytes: number;
  readonly address: Address;
  private value: Address | null;
  private view: ArrayBuffer | undefined;

  constructor(device: Device, bytes: number) {
    const ort = ortLibrary();
    this.device = device;
    this.bytes = bytes;
    this.value = ort.create(
      'CreateTensorAsOrtValue',
      device.allocator,
      BigInt64Array.of(BigInt(bytes)),
      1,
      ElementType.uint8,
    );
    this.address = ort.create('GetTensorMutableData', this.value);
  }

  /** The bytes as JS sees them: host memory only. */
  get buffer(): ArrayBuffer {
    if (this.device.name !== 'cpu') throw new Error(`${this.device.name} memory has no view in JS`);
    this.view ??= koffi.view(this.address, this.bytes);
    return this.view;
  }

  /** A tensor over `shape`'s worth of this block, from `offset` bytes on. No copy. */
  tensor(type: ElementTypeName, shape: readonly number[], offset = 0): Tensor {
    const bytes = elementCount(shape) * BYTES_PER_ELEMENT[type];
    if (offset < 0 || offset + bytes > this.bytes) {
      throw new RangeError(
        `tensor [${shape}] of ${type} at ${offset} does not fit in ${this.bytes} bytes`,
      );
    }
    return new Tensor(this.device, this.address + BigInt(offset), bytes, type, shape);
  }

  release(): void {
    if (this.value !== null) ortLibrary().release('ReleaseValue', this.value);
    this.value = null;
    this.view = undefined;
  }
}

/** An OrtValue over memory that it does not own. */
export class Tensor {
  readonly value: Address;
  readonly address: Address;
  readonly bytes: number;
  readonly shape: readonly number[];
  private released = false;

  constructor(
    device: Device,
    address: Address,
    bytes: number,
    type: ElementTypeName,
    shape: readonly number[],
  ) {
    this.address = address;
    this.bytes = bytes;
    this.shape = shape;
    this.value = ortLibrary().create(
      'CreateTensorWithDataAsOrtValue',
      device.memoryInfo,
      address,
      bytes,
      BigInt64Array.from(shape, BigInt),
      shape.length,
      ElementType[type],
    );
  }

  release(): void {
    if (!this.released) ortLibrary().release('ReleaseValue', this.value);
    this.released = true;
  }
}
