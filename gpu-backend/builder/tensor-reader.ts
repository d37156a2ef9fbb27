/** Reads a stored tensor in pieces as numbers of another type. */
import { closeSync, openSync, readSync } from 'node:fs';
import { narrow, widen } from './float16.ts';
import type { StoredTensor } from './safetensors.ts';

/** The type that a graph computes in. */
export type ComputeType = 'float32' | 'float16';

/** Elements that are in memory at a time, whatever the tensor's size. */
const PIECE_ELEMENTS = 1 << 22;

/** The tensor's bytes in the type that the graph computes in. */
export function* readAs(tensor: StoredTensor, type: ComputeType): Generator<Uint8Array> {
  for (const piece of readPieces(tensor, 1)) {
    if (tensor.type === 'F16' && type === 'float16') yield piece;
    else if (type === 'float32') yield asBytes(toFloat32(piece, tensor.type));
    else yield asBytes(narrow(toFloat32(piece, tensor.type)));
  }
}

/** A matrix's values in pieces of whole rows. */
export function* readRows(tensor: StoredTensor): Generator<Float32Array> {
  const columns = tensor.shape.at(-1) ?? 1;
  for (const piece of readPieces(tensor, columns)) yield toFloat32(piece, tensor.type);
}

/** The tensor's bytes as stored, in pieces of a multiple of `unit` elements. */
function* readPieces(tensor: StoredTensor, unit: number): Generator<Uint8Array<ArrayBuffer>> {
  const width = tensor.type === 'F32' ? 4 : 2;
  const pieceBytes = Math.max(1, Math.floor(PIECE_ELEMENTS / unit)) * unit * width;
  const descriptor = openSync(tensor.file, 'r');
  try {
    for (let done = 0; done < tensor.bytes; ) {
      const piece = new Uint8Array(Math.min(pieceBytes, tensor.bytes - done));
      readFully(descriptor, piece, tensor.offset + done, tensor);
      yield piece;
      done += piece.length;
    }
  } finally {
    closeSync(descriptor);
  }
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

function toFloat32(bytes: Uint8Array<ArrayBuffer>, type: StoredTensor['type']): Float32Array {
  return type === 'F32'
    ? new Float32Array(bytes.buffer)
    : widen(type, new Uint16Array(bytes.buffer));
}

export function asBytes(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
