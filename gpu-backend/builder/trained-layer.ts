/**
 * A decoder layer that a checkpoint does not have, trained to draft for it
 * (`models/recipe`): read from its file, checked against the model, and stored as the
 * model's own layers are. Its words may be of the vocabulary's beginning alone, as
 * byte-pair encodings number tokens by how often they occur. Their head is a part of the
 * model's own in memory, or beside int8 rows a copy, since that one reads a rotated stream.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EMBEDDING, FINAL_NORM, HEAD, TRIMMED_HEAD, type WeightLayout } from './convert.ts';
import type { DecoderBlock } from './decoder-options.ts';
import { storeBlocks } from './linear/blocks.ts';
import type { Initializer, StoredMatrix } from './linear/stored-matrix.ts';
import type { PreparedModel } from './prepare.ts';
import { readSafetensorsFile } from './safetensors.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { readAs, readRows } from './tensor-reader.ts';
import { checkShapes } from './tensor-shapes.ts';
import { WeightFile } from './weight-file.ts';
import { readWeightIndex } from './weight-index.ts';

/** Hex digits of a file's hash in the name of what is made of it. */
const NAME_DIGITS = 16;

/** A part of a model that drafts for it. */
export interface ModelPart {
  layout: WeightLayout;
  blocks: readonly DecoderBlock[];
  /** Logits of a row: of the vocabulary's first so many tokens. */
  logits: number;
  /** Whether its rows read the target's last hidden states beside the tokens. */
  features: boolean;
}

/** What a file's layer is made to follow: the model's first layers, or its last hidden states. */
export type TrainedKind = 'exit' | 'feature';

/** Throws an Error for a file that says nothing of the kind. */
export function trainedKind(file: string): TrainedKind {
  const { kind } = readSafetensorsFile(file).metadata;
  if (kind === 'exit' || kind === 'feature') return kind;
  throw new Error(
    `${file} is not a trained draft layer: its metadata has ${kind === undefined ? 'no `kind`' : `the kind ${kind}`}. ` +
      'Train one with npx espalier draft train',
  );
}

/** A layer of number `config.layers`, and the model's layout with it. */
export interface TrainedLayer extends Pick<ModelPart, 'layout' | 'logits'> {
  /** What its file notes. */
  metadata: Readonly<Record<string, string>>;
}

/**
 * The layer in `file`, which is converted into the model's folder. Throws an Error that
 * names what of the file does not fit the model.
 */
export function trainedLayer(prepared: PreparedModel, file: string): TrainedLayer {
  const { layout, model } = prepared;
  const { config } = model;
  const { tensors, metadata } = readSafetensorsFile(file);
  requireTarget(metadata, prepared, file);
  const own = new Map<string, StoredTensor>();
  for (const tensor of tensors) {
    const name =
      tensor.name === 'norm.weight' ? FINAL_NORM : `model.layers.${config.layers}.${tensor.name}`;
    own.set(name, { ...tensor, name });
  }
  checkShapes(own, config);
  const logits = Math.min(Number(metadata.vocabulary) || config.vocabSize, config.vocabSize);
  // The head beside int8 rows reads a rotated stream. This layer's is not, so it gets a copy.
  const head = HEAD in layout.matrices ? HEAD : EMBEDDING;
  const copied = layout.rotated ? [copyOfRows(model.path, head, logits)] : [];
  const added = convert([...own.values(), ...copied], prepared, hashOf(file));
  return {
    metadata,
    layout: {
      ...layout,
      vectors: { ...layout.vectors, ...added.vectors },
      matrices: {
        ...layout.matrices,
        ...(!layout.rotated && { [TRIMMED_HEAD]: firstRows(layout.matrices[head]!, logits) }),
        ...added.matrices,
      },
    },
    logits,
  };
}

/** Another model's hidden states would be read without complaint, and nothing be accepted. */
function requireTarget(
  { weights, target }: Readonly<Record<string, string>>,
  { model }: PreparedModel,
  file: string,
): void {
  const { name, fingerprints } = model.manifest;
  if (weights === fingerprints.weights) return;
  throw new Error(
    `${file} was trained for ${target ?? 'a model that it does not name'}, not for ${name}: ` +
      `train one with npx espalier draft train`,
  );
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, NAME_DIGITS);
}

/** Stores tensors as the model's are: in blocks of 8 bits where those are in blocks. */
function convert(
  tensors: readonly StoredTensor[],
  { layout, folder }: PreparedModel,
  hash: string,
): Pick<WeightLayout, 'vectors' | 'matrices'> {
  const { compute } = layout;
  const inBlocks = Object.values(layout.matrices).some(({ form }) => form !== 'dense');
  const name = `trained-${hash}.bin`;
  const partial = `${name}.${process.pid}.partial`;
  const weights = new WeightFile(folder, partial);
  const vectors: Record<string, Initializer> = {};
  const matrices: Record<string, StoredMatrix> = {};
  const dense = (tensor: StoredTensor): Initializer => {
    const lies = weights.append(readAs(tensor, compute));
    return { type: compute, shape: tensor.shape, ...lies, file: name };
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
        const stored = storeBlocks(weights, 'blocks8', compute, shape, readRows(tensor));
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

/** The first `count` rows of a head as the checkpoint in `folder` has it. */
function copyOfRows(folder: string, head: string, count: number): StoredTensor {
  const tensor = readWeightIndex(folder).get(head)!;
  const [rows, inner] = tensor.shape as [number, number];
  return {
    ...tensor,
    name: TRIMMED_HEAD,
    shape: [count, inner],
    bytes: (tensor.bytes / rows) * count,
  };
}

/** The first `count` rows of a matrix, where they lie. */
function firstRows({ form, shape, parts }: StoredMatrix, count: number): StoredMatrix {
  const [out, inner] = shape;
  const cut = (part: Initializer): Initializer => ({
    ...part,
    shape: [count, ...part.shape.slice(1)],
    bytes: (part.bytes / out) * count,
  });
  const { rows: _, ...multiplied } = parts;
  const kept = Object.entries(multiplied).map(([name, part]) => [name, cut(part)] as const);
  return { form, shape: [count, inner], parts: Object.fromEntries(kept) };
}
