/** Where the tensors of a GGUF file lie. */
import { type StoredTensor, storageUnit, valueCount } from '../stored-tensor.ts';
import { GgufError } from './gguf-error.ts';
import type { GgufHeader, TensorEntry } from './header.ts';
import { tensorType } from './tensor-types.ts';

/** Every tensor under its own name, within the file and apart from each other. Throws GgufError. */
export function locateTensors(file: string, header: GgufHeader): StoredTensor[] {
  const tensors = header.tensors.map((entry) => locate(file, header, entry));
  if (new Set(tensors.map(({ name }) => name)).size < tensors.length) {
    throw new GgufError('names a tensor twice');
  }
  const inOrder = [...tensors].sort((a, b) => a.offset - b.offset);
  for (const [i, { name, offset }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before && before.offset + before.bytes > offset) {
      throw new GgufError(`has "${name}" overlap "${before.name}"`);
    }
  }
  return tensors;
}

function locate(file: string, header: GgufHeader, entry: TensorEntry): StoredTensor {
  const { name, dimensions } = entry;
  const type = tensorType(entry.type, name);
  const count = valueCount(dimensions);
  if (dimensions.length === 0 || !Number.isSafeInteger(count) || count === 0) {
    throw new GgufError(`gives "${name}" the dimensions [${dimensions.join(', ')}]`);
  }
  const unit = storageUnit(type);
  if (dimensions[0]! % unit.values !== 0) {
    throw new GgufError(`cuts "${name}" into rows of ${dimensions[0]}, not whole ${type} blocks`);
  }
  const offset = header.dataStart + entry.offset;
  const bytes = (count / unit.values) * unit.bytes;
  if (entry.offset % header.alignment !== 0) throw new GgufError(`has "${name}" unaligned`);
  if (!(offset + bytes <= header.fileBytes)) {
    throw new GgufError(
      `is cut short: "${name}" would end at byte ${offset + bytes} of ${header.fileBytes}`,
    );
  }
  return { name, file, type, shape: dimensions.toReversed(), offset, bytes };
}
