/** A GGUF file as a checkpoint: what it says, and its weights by the checkpoint's names. */
import { isBlockType, type StoredTensor } from '../stored-tensor.ts';
import { UnsupportedModelError } from '../unsupported.ts';
import { architectureOf } from './architectures.ts';
import { GgufError } from './gguf-error.ts';
import { limited, readHeader } from './header.ts';
import { Metadata } from './metadata.ts';
import { locateTensors } from './tensor-index.ts';
import { checkpointName, ROPE_DIVISORS } from './tensor-names.ts';

export interface GgufFile {
  metadata: Metadata;
  tensors: Map<string, StoredTensor>;
  /** Divisors of the rotary frequencies, where the file has them. */
  ropeDivisors: StoredTensor | undefined;
}

/**
 * `file` is an absolute path. Throws UnsupportedModelError for an architecture, a
 * tensor or a type that is not supported, GgufError for what is malformed.
 */
export function readGguf(file: string): GgufFile {
  return namingFile(file, () => {
    const header = readHeader(file);
    const metadata = new Metadata(header.metadata);
    const { interleavedRotary } = architectureOf(metadata.architecture);
    refuseSplit(metadata);
    const pairedRows = interleavedRotary ? metadata.headDim() : undefined;
    const stored = locateTensors(file, header);
    const tensors = new Map<string, StoredTensor>();
    for (const tensor of stored) {
      if (tensor.name === ROPE_DIVISORS) continue;
      const name = checkpointName(tensor.name);
      tensors.set(name, { ...tensor, name, ...pairing(tensor, pairedRows) });
    }
    return { metadata, tensors, ropeDivisors: stored.find(({ name }) => name === ROPE_DIVISORS) };
  });
}

/** Queries and keys come interleaved. */
function pairing(tensor: StoredTensor, pairedRows: number | undefined): Partial<StoredTensor> {
  const row = tensor.shape.length > 1 ? tensor.shape.at(-1)! : 1;
  limited(row, 'valuesTogether');
  if (pairedRows === undefined || !/\.attn_[qk]\.(weight|bias)$/.test(tensor.name)) return {};
  if (tensor.shape[0]! % pairedRows !== 0) {
    throw new GgufError(`has "${tensor.name}" of ${tensor.shape[0]} rows, not whole heads`);
  }
  // Blocks of a vector hold several rows, which can't be put in order apart.
  if (tensor.shape.length === 1 && isBlockType(tensor.type)) {
    throw new UnsupportedModelError(`"${tensor.name}" in ${tensor.type}`, 'F32, F16, BF16');
  }
  limited(row * pairedRows, 'valuesTogether');
  return { pairedRows };
}

function refuseSplit(metadata: Metadata): void {
  const parts = metadata.optionalNumber('split.count') ?? 1;
  if (parts > 1) {
    throw new GgufError(`is one of ${parts} parts; merge them first (llama-gguf-split --merge)`);
  }
}

/** Lets the errors of `read` name the file that they speak of. */
export function namingFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof GgufError) throw new GgufError(`${file} ${error.message}`);
    throw error;
  }
}
