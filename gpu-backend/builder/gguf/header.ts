/**
 * The header of a GGUF file (versions 2 and 3, little-endian): the magic, a
 * version, the numbers of tensors and of metadata entries, the entries as key,
 * type and value, then for each tensor its name, dimensions (the contiguous one
 * first), type and offset into the data, which begins at the next boundary.
 *
 * Every length is checked against a named limit and against the file's size
 * before memory is taken for it.
 */
import { closeSync, openSync } from 'node:fs';
import { FileCursor } from './file-cursor.ts';
import { GgufError } from './gguf-error.ts';

const MAGIC = 0x46554747; // "GGUF"
const VERSIONS = [2, 3];
/** Data begins on such a boundary where the file names no other. */
const DEFAULT_ALIGNMENT = 32;

/** What a header may claim. Models have some 50 entries, 1,000 tensors, 500,000 merges. */
export const GGUF_LIMITS = {
  entries: 10_000,
  tensors: 100_000,
  keyBytes: 1_024,
  tensorNameBytes: 1_024,
  stringBytes: 16 << 20,
  arrayLength: 4 << 20,
  headerBytes: 64 << 20,
  dimensions: 4,
  alignment: 1 << 16,
  /** Of a row, or where rows are interleaved of a head: what is in memory at once. */
  valuesTogether: 1 << 24,
} as const;

export type MetadataValue = number | boolean | string | readonly (number | boolean | string)[];

/** As the file states it. */
export interface TensorEntry {
  name: string;
  /** Contiguous dimension first. */
  dimensions: number[];
  /** ggml's number. */
  type: number;
  /** From the start of the data. */
  offset: number;
}

export interface GgufHeader {
  metadata: ReadonlyMap<string, MetadataValue>;
  tensors: TensorEntry[];
  /** Tensors begin on such a boundary within the data. */
  alignment: number;
  /** Bytes from the start of the file. */
  dataStart: number;
  fileBytes: number;
}

/** Throws GgufError. */
export function readHeader(file: string): GgufHeader {
  const descriptor = openSync(file, 'r');
  try {
    return parseHeader(new FileCursor(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function parseHeader(cursor: FileCursor): GgufHeader {
  if (cursor.fileBytes < 4 || cursor.u32() !== MAGIC) throw new GgufError('is not a GGUF file');
  const version = cursor.u32();
  if (VERSIONS.some((known) => swapBytes(known) === version)) {
    throw new GgufError('is big-endian; supported: little-endian');
  }
  if (!VERSIONS.includes(version)) {
    throw new GgufError(`is GGUF version ${version}; supported: ${VERSIONS.join(', ')}`);
  }
  const tensorCount = limited(cursor.u64(), 'tensors');
  const entryCount = limited(cursor.u64(), 'entries');
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < entryCount; i++) {
    const key = readText(cursor, 'keyBytes');
    if (metadata.has(key)) throw new GgufError(`names the key "${key}" twice`);
    metadata.set(key, readValue(cursor, cursor.u32(), key));
    limited(cursor.position, 'headerBytes');
  }
  const tensors: TensorEntry[] = [];
  for (let i = 0; i < tensorCount; i++) tensors.push(readTensorEntry(cursor));
  const alignment = readAlignment(metadata.get('general.alignment'));
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  return { metadata, tensors, alignment, dataStart, fileBytes: cursor.fileBytes };
}

function readTensorEntry(cursor: FileCursor): TensorEntry {
  const name = readText(cursor, 'tensorNameBytes');
  const count = limited(cursor.u32(), 'dimensions');
  const dimensions = Array.from({ length: count }, cursor.u64);
  return { name, dimensions, type: cursor.u32(), offset: cursor.u64() };
}

function readAlignment(value: MetadataValue | undefined): number {
  if (value === undefined) return DEFAULT_ALIGNMENT;
  if (typeof value !== 'number' || value < 8 || (value & (value - 1)) !== 0) {
    throw new GgufError(`aligns to ${String(value)}, which is not a power of two from 8 on`);
  }
  return limited(value, 'alignment');
}

const STRING = 8;
const ARRAY = 9;

/** Readers of the scalar types, by GGUF's number. */
const SCALARS: Record<number, (cursor: FileCursor) => number | boolean | string> = {
  0: (cursor) => cursor.u8(),
  1: (cursor) => cursor.i8(),
  2: (cursor) => cursor.u16(),
  3: (cursor) => cursor.i16(),
  4: (cursor) => cursor.u32(),
  5: (cursor) => cursor.i32(),
  6: (cursor) => cursor.f32(),
  7: (cursor) => cursor.u8() !== 0,
  [STRING]: (cursor) => readText(cursor, 'stringBytes'),
  10: (cursor) => cursor.u64(),
  11: (cursor) => cursor.i64(),
  12: (cursor) => cursor.f64(),
};

function readValue(cursor: FileCursor, type: number, key: string): MetadataValue {
  if (type !== ARRAY) return scalar(type, key)(cursor);
  const read = scalar(cursor.u32(), key);
  const length = limited(cursor.u64(), 'arrayLength');
  const values: (number | boolean | string)[] = [];
  for (let i = 0; i < length; i++) {
    values.push(read(cursor));
    if (i % 1024 === 0) limited(cursor.position, 'headerBytes');
  }
  return values;
}

function scalar(type: number, key: string) {
  const read = SCALARS[type];
  if (read) return read;
  throw new GgufError(
    `gives "${key}" ${type === ARRAY ? 'as arrays of arrays' : `the unknown type ${type}`}; supported: numbers, booleans, strings and arrays of them`,
  );
}

function readText(cursor: FileCursor, limit: keyof typeof GGUF_LIMITS): string {
  return cursor.utf8(limited(cursor.u64(), limit));
}

/** The value, if it is within the limit. Throws GgufError. */
export function limited(value: number, limit: keyof typeof GGUF_LIMITS): number {
  const most = GGUF_LIMITS[limit];
  if (value > most) throw new GgufError(`claims ${value} ${LIMIT_NAMES[limit]}, more than ${most}`);
  return value;
}

const LIMIT_NAMES: Record<keyof typeof GGUF_LIMITS, string> = {
  entries: 'metadata entries',
  tensors: 'tensors',
  keyBytes: 'bytes in a key',
  tensorNameBytes: 'bytes in a tensor’s name',
  stringBytes: 'bytes in a string',
  arrayLength: 'values in an array',
  headerBytes: 'bytes of header',
  dimensions: 'dimensions of a tensor',
  alignment: 'bytes of alignment',
  valuesTogether: 'values in a row or a head',
};

function swapBytes(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.readUInt32BE();
}
