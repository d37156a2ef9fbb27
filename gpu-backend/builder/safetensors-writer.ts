/** Writes .safetensors files, tensor by tensor. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { BYTES_PER_VALUE, type StoredTensor, type WeightType } from './stored-tensor.ts';

/** The data starts on such a boundary, so that mapped tensors are aligned for any element type. */
const ALIGNMENT = 8;

/**
 * Writes `tensors` as `type` in their given order; `read` gives each one's bytes in that
 * type, in pieces. `notes` are kept in the header.
 */
export function writeSafetensors(
  file: string,
  tensors: readonly StoredTensor[],
  type: WeightType,
  read: (tensor: StoredTensor) => Iterable<Uint8Array>,
  notes: Readonly<Record<string, string>> = {},
): void {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...notes } };
  let end = 0;
  for (const { name, shape } of tensors) {
    const begin = end;
    end += shape.reduce((product, size) => product * size, BYTES_PER_VALUE[type]);
    header[name] = { dtype: type, shape, data_offsets: [begin, end] };
  }
  const json = JSON.stringify(header);
  const padded = json.padEnd(Math.ceil(json.length / ALIGNMENT) * ALIGNMENT);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  const target = openSync(file, 'w');
  try {
    writeSync(target, prefix);
    writeSync(target, Buffer.from(padded, 'latin1'));
    for (const tensor of tensors) for (const piece of read(tensor)) writeSync(target, piece);
  } finally {
    closeSync(target);
  }
}
