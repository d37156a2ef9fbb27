/**
 * Reads a stored tensor in pieces of whole rows: as numbers of the type that is
 * asked for, or as stored. Rows that a file has interleaved come in order.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { narrowFinite, requireFinite } from './finite.ts';
import { widen } from './float16.ts';
import { BLOCK_TYPES } from './gguf/block-types.ts';
import { isBlockType, type StoredTensor, type StoredType, storageUnit } from './stored-tensor.ts';

/** The type that a graph computes in. */
export type ComputeType = 'float32' | 'float16';

/** Values that are in memory at a time, whatever the tensor's size; at least one row, or one head. */
const PIECE_VALUES = 1 << 22;

/** The tensor's bytes in the type that the graph computes in. Throws where a value is not finite in it. */
export function readAs(tensor: StoredTensor, type: ComputeType): Generator<Uint8Array> {
  return inType(readRows(tensor), type, nameOf(tensor));
}

/** Values in the type that the graph computes in; `what` names them where one is not finite in it. */
export function* inType(
  pieces: Iterable<Float32Array>,
  type: ComputeType,
  what: string,
): Generator<Uint8Array> {
  for (const piece of pieces) yield asBytes(type === 'float32' ? piece : narrowFinite(piece, what));
}

/** A matrix's values in pieces of whole rows. Throws where one is not finite. */
export function* readRows(tensor: StoredTensor): Generator<Float32Array> {
  for (const piece of readStored(tensor)) {
    yield requireFinite(toFloat32(piece, tensor.type), nameOf(tensor));
  }
}

function nameOf({ file, name }: StoredTensor): string {
  return `${file}: "${name}"`;
}

/** The tensor's bytes as stored, blocks whole, in pieces of whole rows. */
export function* readStored(tensor: StoredTensor): Generator<Uint8Array<ArrayBuffer>> {
  const rowValues = tensor.shape.length > 1 ? tensor.shape.at(-1)! : 1;
  const unit = storageUnit(tensor.type);
  const rowBytes = (rowValues / unit.values) * unit.bytes;
  const rowsTogether = tensor.pairedRows ?? 1;
  const groups = Math.max(1, Math.floor(PIECE_VALUES / (rowValues * rowsTogether)));
  const pieceBytes = groups * rowsTogether * rowBytes;
  const descriptor = openSync(tensor.file, 'r');
  try {
    for (let done = 0; done < tensor.bytes; ) {
      const piece = new Uint8Array(Math.min(pieceBytes, tensor.bytes - done));
      readFully(descriptor, piece, tensor.offset + done, tensor);
      yield tensor.pairedRows ? separatePairs(piece, tensor.pairedRows, rowBytes) : piece;
      done += piece.length;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Puts row 2i + p of every head to row i + p · rows / 2. */
function separatePairs(piece: Uint8Array, rows: number, rowBytes: number): Uint8Array<ArrayBuffer> {
  const ordered = new Uint8Array(piece.length);
  for (let row = 0; row * rowBytes < piece.length; row++) {
    const inHead = row % rows;
    const target = row - inHead + (inHead >> 1) + (inHead & 1) * (rows / 2);
    ordered.set(piece.subarray(row * rowBytes, (row + 1) * rowBytes), target * rowBytes);
  }
  return ordered;
}

function readFully(
  descriptor: number,
  into: Uint8Array,
  position: number,
  tensor: StoredTensor,
): void {
  for (let done = 0; done < into.length; ) {
    const read = readSync(descriptor, into, done, into.length - done, position + done);
    if (read === 0) throw new Error(`${tensor.file} ends inside "${tensor.name}"`);
    done += read;
  }
}

function toFloat32(bytes: Uint8Array<ArrayBuffer>, type: StoredType): Float32Array {
  if (type === 'F32') return new Float32Array(bytes.buffer);
  if (!isBlockType(type)) return widen(type, new Uint16Array(bytes.buffer));
  const { values, bytes: blockBytes, dequantise } = BLOCK_TYPES[type];
  const out = new Float32Array((bytes.length / blockBytes) * values);
  dequantise(bytes, out);
  return out;
}

export function asBytes(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
