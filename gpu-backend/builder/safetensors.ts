/**
 * Reads the index of a Hugging Face checkpoint's weights: which tensor lies
 * where in which .safetensors file. The format: an 8-byte little-endian header
 * length, that much JSON, then the data; offsets count from the data's start.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { parseJsonObject, readJsonObject } from './read-json.ts';
import { BYTES_PER_VALUE, type StoredTensor, type WeightType } from './stored-tensor.ts';

/** The reference implementation refuses longer headers too; a hostile length must not exhaust memory. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Every tensor of the checkpoint in `folder`: `model.safetensors`, or the shards
 * that `model.safetensors.index.json` lists. Throws an Error that names the file
 * and what is wrong with it.
 */
export function readSafetensorsIndex(folder: string): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const file of safetensorsFiles(folder)) {
    for (const tensor of readSafetensorsFile(file).tensors) {
      const { name } = tensor;
      const other = tensors.get(name)?.file;
      if (other) throw new Error(`${file} has "${name}", which is in ${other} too`);
      tensors.set(name, tensor);
    }
  }
  return tensors;
}

/** The checkpoint's weight files, absolute, in the order of their names. */
export function safetensorsFiles(folder: string): string[] {
  const index = join(folder, 'model.safetensors.index.json');
  if (existsSync(index)) return shardsOf(folder, index);
  const single = join(folder, 'model.safetensors');
  if (existsSync(single)) return [single];
  const shard = readdirSync(folder).find((name) => name.endsWith('.safetensors'));
  if (shard) {
    throw new Error(
      `${folder} holds ${shard}, but neither model.safetensors nor model.safetensors.index.json`,
    );
  }
  throw new Error(
    `${folder} holds neither model.safetensors nor model.gguf: other weight formats are not supported`,
  );
}

function shardsOf(folder: string, index: string): string[] {
  const { weight_map: map } = readJsonObject(index);
  if (typeof map !== 'object' || map === null) throw new Error(`${index} has no weight_map`);
  const names = [...new Set(Object.values(map).map(String))].sort();
  for (const name of names) {
    if (name.includes('/') || name.includes('\\')) {
      throw new Error(`${index} names "${name}": shards must lie beside the index`);
    }
    if (!name.endsWith('.safetensors')) {
      throw new Error(`${index} names "${name}", which is no .safetensors file`);
    }
    if (!existsSync(join(folder, name))) {
      throw new Error(`${folder} lacks ${name}, which its model.safetensors.index.json names`);
    }
  }
  return names.map((name) => join(folder, name));
}

/** Every tensor of one file, and what its writer noted. Throws like `readSafetensorsIndex`. */
export function readSafetensorsFile(file: string): {
  tensors: StoredTensor[];
  metadata: Readonly<Record<string, string>>;
} {
  const descriptor = openSync(file, 'r');
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error(`${file} is not a file`);
    const fileBytes = status.size;
    const prefix = Buffer.alloc(8);
    readSync(descriptor, prefix, 0, 8, 0);
    const headerBytes = Number(prefix.readBigUInt64LE());
    if (headerBytes === 0 || headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > fileBytes) {
      throw new Error(`${file} is not a safetensors file: its header claims ${headerBytes} bytes`);
    }
    const header = Buffer.alloc(headerBytes);
    readSync(descriptor, header, 0, headerBytes, 8);
    const entries = parseJsonObject(header.toString('utf8'), `the header of ${file}`);
    const tensors = Object.entries(entries)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, entry]) => parseEntry(file, name, entry, 8 + headerBytes, fileBytes));
    refuseOverlap(tensors);
    return { tensors, metadata: requireTexts(entries.__metadata__ ?? {}, file) };
  } finally {
    closeSync(descriptor);
  }
}

/** As the format has it. */
function requireTexts(metadata: unknown, file: string): Record<string, string> {
  const notes = Object.entries(metadata as object);
  if (notes.every(([, value]) => typeof value === 'string')) return Object.fromEntries(notes);
  throw new Error(`${file}: its __metadata__ must name texts by texts`);
}

function refuseOverlap(tensors: readonly StoredTensor[]): void {
  const inOrder = [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  for (const [i, { name, file, offset }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before && before.offset + before.bytes > offset) {
      throw new Error(`${file}: "${name}" overlaps "${before.name}"`);
    }
  }
}

function parseEntry(
  file: string,
  name: string,
  entry: unknown,
  dataStart: number,
  fileBytes: number,
): StoredTensor {
  const { dtype, shape, data_offsets: range } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_PER_VALUE, dtype)) {
    throw new Error(
      `${file}: "${name}" has type ${String(dtype)}; supported: ${Object.keys(BYTES_PER_VALUE).join(', ')}`,
    );
  }
  if (!isNaturals(shape) || !isNaturals(range) || range.length !== 2) {
    throw new Error(`${file}: the header entry of "${name}" is malformed`);
  }
  const type = dtype as WeightType;
  const [begin = 0, end = 0] = range;
  const bytes = end - begin;
  const expected = shape.reduce((product, size) => product * size, 1) * BYTES_PER_VALUE[type];
  if (bytes !== expected || dataStart + end > fileBytes) {
    throw new Error(`${file}: "${name}" does not fill its place, the file may be cut short`);
  }
  return { name, file, type, shape, offset: dataStart + begin, bytes };
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
