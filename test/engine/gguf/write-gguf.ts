/** Writes GGUF files for tests, sound and unsound: every field can be made to lie. */
import { writeFileSync } from 'node:fs';

export interface GgufSpec {
  magic?: string;
  version?: number;
  /** Claimed numbers; by default the true ones. */
  tensorCount?: number | bigint;
  entryCount?: number | bigint;
  metadata?: [string, Value][];
  tensors?: TensorSpec[];
  /** Keep so many bytes of the file. */
  cutAt?: number;
  bigEndian?: boolean;
}

export interface TensorSpec {
  name: string;
  /** Contiguous dimension first. */
  dimensions: (number | bigint)[];
  type: number;
  data: Uint8Array;
  /** Claimed; by default where the data is. */
  offset?: number | bigint;
}

type Scalar = string | boolean | { u32: number } | { f32: number } | { raw: Buffer; type: number };
type Value = Scalar | { array: readonly (string | { u32: number } | { f32: number })[] };

const ALIGNMENT = 32;

export function writeGguf(file: string, spec: GgufSpec): string {
  const metadata = spec.metadata ?? [];
  const tensors = spec.tensors ?? [];
  let end = 0;
  const placed = tensors.map((tensor) => {
    const offset = end;
    end = align(end + tensor.data.length);
    return { ...tensor, at: offset };
  });
  const header = Buffer.concat([
    Buffer.from(spec.magic ?? 'GGUF', 'latin1'),
    spec.bigEndian ? u32(spec.version ?? 3).reverse() : u32(spec.version ?? 3),
    u64(spec.tensorCount ?? tensors.length),
    u64(spec.entryCount ?? metadata.length),
    ...metadata.flatMap(([key, value]) => [text(key), encode(value)]),
    ...placed.flatMap(({ name, dimensions, type, offset, at }) => [
      text(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset ?? at),
    ]),
  ]);
  const padded = Buffer.concat([header], align(header.length));
  const data = Buffer.alloc(end);
  for (const { at, data: bytes } of placed) data.set(bytes, at);
  writeFileSync(file, Buffer.concat([padded, data]).subarray(0, spec.cutAt));
  return file;
}

function encode(value: Value): Buffer {
  if (typeof value === 'object' && 'array' in value) {
    const [first = ''] = value.array;
    return Buffer.concat([
      u32(9),
      u32(typeNumber(first)),
      u64(value.array.length),
      ...value.array.map(bytesOf),
    ]);
  }
  return Buffer.concat([u32(typeNumber(value)), bytesOf(value)]);
}

function typeNumber(value: Scalar): number {
  if (typeof value === 'string') return 8;
  if (typeof value === 'boolean') return 7;
  if ('u32' in value) return 4;
  return 'f32' in value ? 6 : value.type;
}

function bytesOf(value: Scalar): Buffer {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'boolean') return Buffer.from([Number(value)]);
  if ('u32' in value) return u32(value.u32);
  if ('raw' in value) return value.raw;
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value.f32);
  return bytes;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}
