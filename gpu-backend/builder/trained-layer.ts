/**
 * A decoder layer that a checkpoint does not have, trained to draft for it
 * (`models/recipe`): read from its file, checked against the model, and stored as the
 * model's own layers are. It can name the tokens that its file lists, those that the model
 * finds likeliest, as the head is most of what a small layer multiplies (FR-Spec,
 * 2502.14856): its head is a copy of these tokens' rows.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMBEDDING, FINAL_NORM, HEAD, TRIMMED_HEAD, type WeightLayout } from './convert.ts';
import type { DecoderBlock } from './decoder-options.ts';
import { storeBlocks } from './linear/blocks.ts';
import type { Initializer, StoredMatrix } from './linear/stored-matrix.ts';
import type { PreparedModel } from './prepare.ts';
import { readSafetensorsFile } from './safetensors.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { inType, readRows } from './tensor-reader.ts';
import { checkShapes } from './tensor-shapes.ts';
import { requireTarget } from './trained-file.ts';
import { WeightFile } from './weight-file.ts';
import { readWeightIndex } from './weight-index.ts';

/** A token's id as a layer's file lists it. */
const ID = /^\d{1,9}$/;
/** Hex digits of a file's hash in the name of what is made of it. */
const NAME_DIGITS = 16;

/** A part of a model that drafts for it. */
export interface ModelPart {
  layout: WeightLayout;
  blocks: readonly DecoderBlock[];
  /** The token of each of a row's logits, in rising order; null where it is the whole vocabulary. */
  vocabulary: Int32Array | null;
  /** Whether its rows read the target's last hidden states beside the tokens. */
  features: boolean;
}

/** What was trained for a model, in the model's layout. */
export interface TrainedWeights extends Pick<ModelPart, 'layout' | 'vocabulary'> {
  /** What its file notes. */
  metadata: Readonly<Record<string, string>>;
}

/** The layer in `file`, of number `config.layers`. Throws an Error that names what of the file does not fit the model. */
export function trainedLayer(prepared: PreparedModel, file: string): TrainedWeights {
  const { config } = prepared.model;
  return trainedWeights(prepared, file, ({ tensors }) => {
    const own = new Map<string, StoredTensor>();
    for (const tensor of tensors) {
      const name =
        tensor.name === 'norm.weight' ? FINAL_NORM : `model.layers.${config.layers}.${tensor.name}`;
      own.set(name, { ...tensor, name });
    }
    checkShapes(own, config);
    return [...own.values()];
  });
}

/**
 * What was trained for the model, converted into its folder.
 * @param take the tensors of `file` under the names of the graph; throws an Error that names what does not fit
 */
export function trainedWeights(
  prepared: PreparedModel,
  file: string,
  take: (read: ReturnType<typeof readSafetensorsFile>) => readonly StoredTensor[],
): TrainedWeights {
  const { layout, model } = prepared;
  const read = readSafetensorsFile(file);
  const { metadata } = read;
  requireTarget(metadata, prepared, file);
  const vocabulary = readVocabulary(metadata, model.config.vocabSize, file);
  const own = take(read).map(withRows);
  // Beside int8 rows the model's own head reads a rotated stream, and what is trained gives another.
  const copied = vocabulary || layout.rotated ? [headOf(prepared, vocabulary)] : [];
  const added = convert([...own, ...copied], prepared, hashOf(file));
  return {
    metadata,
    layout: {
      ...layout,
      vectors: { ...layout.vectors, ...added.vectors },
      matrices: { ...layout.matrices, ...added.matrices },
    },
    vocabulary,
  };
}

/** The tokens that can be named; null where the file lists none, and it can name all. */
function readVocabulary(
  { tokens }: Readonly<Record<string, string>>,
  vocabSize: number,
  file: string,
): Int32Array | null {
  if (tokens === undefined) return null;
  const ids = String(tokens).split(' ', vocabSize + 1);
  const rise = ids.every((id, i) => ID.test(id) && Number(id) > Number(ids[i - 1] ?? -1));
  if (rise && Number(ids.at(-1)) < vocabSize) return Int32Array.from(ids, Number);
  throw new Error(
    `${file}: its tokens must be ids below ${vocabSize}, each larger than the one before`,
  );
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, NAME_DIGITS);
}

/** A tensor and its values, in pieces of whole rows. */
interface ReadTensor {
  name: string;
  shape: readonly number[];
  rows: Iterable<Float32Array>;
}

function withRows(tensor: StoredTensor): ReadTensor {
  return { name: tensor.name, shape: tensor.shape, rows: readRows(tensor) };
}

type AddedLayout = Pick<WeightLayout, 'vectors' | 'matrices'>;

/**
 * Converts tensors into the model's folder, or finds that it was done: the folder's name has
 * the model and the form of its weights, `hash` the rest. The layout is written behind the
 * weights, so where it is they are whole.
 */
function convert(
  tensors: readonly ReadTensor[],
  prepared: PreparedModel,
  hash: string,
): AddedLayout {
  const { folder } = prepared;
  const layoutFile = join(folder, `trained-${hash}.json`);
  const weightFile = `trained-${hash}.bin`;
  if (!existsSync(layoutFile) || !existsSync(join(folder, weightFile))) {
    const added = JSON.stringify(convertInto(weightFile, tensors, prepared));
    const partial = `${layoutFile}.${process.pid}.partial`;
    writeFileSync(partial, added);
    renameSync(partial, layoutFile);
  }
  return JSON.parse(readFileSync(layoutFile, 'utf8'));
}

/** Stores tensors as the model's are: in blocks of 8 bits where those are in blocks. */
function convertInto(
  name: string,
  tensors: readonly ReadTensor[],
  { layout, folder }: PreparedModel,
): AddedLayout {
  const { compute } = layout;
  const inBlocks = Object.values(layout.matrices).some(({ form }) => form !== 'dense');
  const partial = `${name}.${process.pid}.partial`;
  const weights = new WeightFile(folder, partial);
  const vectors: Record<string, Initializer> = {};
  const matrices: Record<string, StoredMatrix> = {};
  const dense = ({ name: what, shape, rows }: ReadTensor): Initializer => {
    const lies = weights.append(inType(rows, compute, what));
    return { type: compute, shape, ...lies, file: name };
  };
  try {
    for (const tensor of tensors) {
      const [out = 0, inner] = tensor.shape;
      if (inner === undefined) vectors[tensor.name] = dense(tensor);
      else if (!inBlocks) {
        const parts = { values: dense(tensor) };
        matrices[tensor.name] = { form: 'dense', shape: [out, inner], parts };
      } else {
        const shape = [out, inner] as const;
        const stored = storeBlocks(weights, 'blocks8', compute, shape, tensor.rows);
        for (const part of Object.values(stored.parts)) part.file = name;
        matrices[tensor.name] = stored;
      }
    }
  } catch (cause) {
    rmSync(join(folder, partial), { force: true });
    throw cause;
  } finally {
    weights.close();
  }
  // Another process may have the file of that name mapped: it keeps what it has.
  renameSync(join(folder, partial), join(folder, name));
  return { vectors, matrices };
}

/** The rows of the model's head that name these tokens, or all, as the checkpoint has them. */
function headOf({ layout, model }: PreparedModel, vocabulary: Int32Array | null): ReadTensor {
  const tensor = readWeightIndex(model.path).get(HEAD in layout.matrices ? HEAD : EMBEDDING)!;
  const { shape, rows } = withRows(tensor);
  if (!vocabulary) return { name: TRIMMED_HEAD, shape, rows };
  const width = shape[1]!;
  const own = chosen(rows, width, vocabulary);
  return { name: TRIMMED_HEAD, shape: [vocabulary.length, width], rows: own };
}

/** Of pieces of whole rows those that `wanted` names, in rising order. */
function* chosen(
  pieces: Iterable<Float32Array>,
  width: number,
  wanted: Int32Array,
): Generator<Float32Array> {
  let [first, next] = [0, 0];
  for (const piece of pieces) {
    const begin = next;
    const end = first + piece.length / width;
    while (next < wanted.length && wanted[next]! < end) next++;
    const rows = new Float32Array((next - begin) * width);
    for (let i = begin; i < next; i++) {
      const at = (wanted[i]! - first) * width;
      rows.set(piece.subarray(at, at + width), (i - begin) * width);
    }
    yield rows;
    first = end;
  }
}
