/** Which tensor of a GGUF file lies where, under the checkpoint's names. */
import { type StoredTensor, storageUnit, valueCount } from '../stored-tensor.ts';
import { architectureOf } from './architectures.ts';
import { GgufError } from './gguf-error.ts';
import { type GgufHeader, readHeader, type TensorEntry } from './header.ts';
import { Metadata } from './metadata.ts';
import { checkpointName, ROPE_DIVISORS } from './tensor-names.ts';
import { tensorType } from './tensor-types.ts';

/**
 * Every weight of the decoder in `file` (an absolute path). Throws
 * UnsupportedModelError for a tensor or a type that is not supported, an Error
 * that names the file for what is malformed.
 */
export function readTensorIndex(file: string): Map<string, StoredTensor> {
  return naming(file, () => {
    const header = readHeader(file);
    const pairedRows = readPairedRows(new Metadata(header.metadata));
    const tensors = locateTensors(file, header);
    const byName = new Map<string, StoredTensor>();
    for (const tensor of tensors) {
      if (tensor.name === ROPE_DIVISORS) continue;
      const name = checkpointName(tensor.name);
      const paired = pairedRows > 0 && /\.attn_[qk]\.(weight|bias)$/.test(tensor.name);
      if (paired && tensor.shape[0]! % pairedRows !== 0) {
        throw new GgufError(`has "${tensor.name}" of ${tensor.shape[0]} rows, not whole heads`);
      }
      byName.set(name, { ...tensor, name, ...(paired ? { pairedRows } : {}) });
    }
    return byName;
  });
}

/** Every tensor under its own name, within the file and apart from each other. Throws GgufError. */
function locateTensors(file: string, header: GgufHeader): StoredTensor[] {
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

/** Rows of a head, where the architecture interleaves them; else 0. */
function readPairedRows(metadata: Metadata): number {
  const { interleavedRotary } = architectureOf(metadata.text('general.architecture'));
  return interleavedRotary ? metadata.headDim() : 0;
}

/** Lets the errors of `read` name the file that they speak of. */
function naming<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof GgufError) throw new GgufError(`${file} ${error.message}`);
    throw error;
  }
}
