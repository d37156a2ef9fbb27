/**
 * Makes a checkpoint or a GGUF file a model of this instance: a folder with its
 * files, linked where possible, and a manifest that says who it is.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { checkCheckpoint } from './check-checkpoint.ts';
import { readDecoderConfig } from './config.ts';
import { fingerprintModel } from './fingerprint.ts';
import { isIn4Bits } from './four-bits.ts';
import { isGgufName, writeGgufCheckpoint } from './gguf/checkpoint.ts';
import { type DownloadOptions, downloadCheckpoint, downloadGguf, parseHubName } from './hub.ts';
import { placeOf } from './known-models.ts';
import { columnsType } from './linear/columns-type.ts';
import { refuseColumns8 } from './linear/columns8.ts';
import { quickestForm } from './linear/quickest.ts';
import { linkOrCopy } from './link-or-copy.ts';
import {
  deriveManifest,
  MANIFEST_FILE,
  type ModelFolder,
  type ModelManifest,
  readModelFolder,
} from './model-folder.ts';
import { prepareModel } from './prepare.ts';
import type { Quantization, QuantizationChoice } from './quantization.ts';
import type { ComputeType } from './tensor-reader.ts';
import { refuseWithoutFloat16 } from './webgpu-float16.ts';
import { readWeightIndex } from './weight-index.ts';

export interface AddOptions {
  /** Where the model will run; by default on a CPU. One that can't be run there is refused before it is converted. */
  provider?: 'cpu' | 'cuda' | 'webgpu' | undefined;
  /** Holds downloads, models and converted weights. */
  cacheFolder: string;
  compute: ComputeType;
  /** By default its weights stay as they came; `auto` keeps what the model was added with, and decides for a new one. */
  quantization?: QuantizationChoice | undefined;
  /** What `auto` takes for a new model; by default it measures. */
  auto?: Quantization | undefined;
  /** Threads of the engine that will run it, which `auto` measures with; by default one a core. */
  threads?: number | undefined;
  download?: DownloadOptions | undefined;
  onProgress?: ((what: 'download' | 'convert', done: number, total: number) => void) | undefined;
}

const TAKEN_OVER = /\.(json|jinja|safetensors)$/;

/** A checkpoint's folder or a GGUF file, and what to call the model. */
interface Source {
  path: string;
  name: string;
}

/**
 * Adds `source`: a checkpoint's folder, a GGUF file, or what the hub has under
 * owner/name or a short name (a checkpoint), owner/name:file.gguf or owner/name:Q4_K_M
 * (a GGUF file). Adding it again finds it. A folder that has a manifest is a model
 * already and is used where it lies.
 */
export async function addModel(source: string, options: AddOptions): Promise<ModelFolder> {
  const model = await takeModel(source, options);
  await convertModel(model, options);
  return model;
}

/** The first half of `addModel`: its weights are as they came. */
export async function takeModel(source: string, options: AddOptions): Promise<ModelFolder> {
  const { path, name } = await obtain(source, options);
  if (existsSync(join(path, MANIFEST_FILE))) return readModelFolder(path);
  return await takeOver(path, name, options);
}

/** The second half: converts the weights, or finds that it was done. */
export async function convertModel(model: ModelFolder, options: AddOptions): Promise<void> {
  const quantization = storedForm(model, options.quantization);
  if (quantization === 'int8') refuseColumns8(options.provider ?? 'cpu');
  await refuseWithoutFloat16(options.provider, options.compute);
  prepareModel(model, options.cacheFolder, {
    compute: options.compute,
    quantization,
    columns: quantization === 'int8' ? await columnsType() : undefined,
    onProgress: (done, total) => options.onProgress?.('convert', done, total),
  });
}

/** What `model` is stored as where `asked` is asked for: by default, and with `auto`, as it was added. */
export function storedForm(model: ModelFolder, asked: QuantizationChoice = 'auto'): Quantization {
  return asked === 'auto' ? (model.manifest.quantization ?? 'none') : asked;
}

/** Where the source lies, downloaded if it is not here already. */
async function obtain(source: string, options: AddOptions): Promise<Source> {
  if (existsSync(source)) {
    if (statSync(source).isFile() && !isGgufName(source)) {
      throw new Error(`${source} is neither a folder nor a .gguf file`);
    }
    return { path: resolve(source), name: stem(source) };
  }
  const hubName = parseHubName(placeOf(source));
  if (!hubName) {
    throw new Error(
      `${source} is neither a folder, nor a .gguf file, nor a model's owner/name, owner/name:FILE.gguf or short name`,
    );
  }
  const { repository, wanted } = hubName;
  const name = repository.replace('/', '--');
  const folder = join(options.cacheFolder, 'downloads', name);
  const download: DownloadOptions = {
    ...options.download,
    onProgress: (done, total) => options.onProgress?.('download', done, total),
  };
  if (wanted === undefined) {
    await downloadCheckpoint(repository, folder, download);
    return { path: folder, name };
  }
  const path = await downloadGguf(repository, wanted, folder, download);
  return { path, name: `${name}--${stem(path)}` };
}

async function takeOver(
  checkpoint: string,
  name: string,
  options: AddOptions,
): Promise<ModelFolder> {
  const { quantization: asked, cacheFolder } = options;
  if (statSync(checkpoint).isDirectory()) checkCheckpoint(checkpoint);
  const suffix = asked === undefined || asked === 'auto' ? '' : `-${asked}`;
  const folder = join(cacheFolder, 'models', `${name}${suffix}`);
  const partial = `${folder}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    takeFiles(checkpoint, partial);
    const known = existsSync(join(folder, MANIFEST_FILE)) ? readModelFolder(folder) : null;
    const derived = deriveManifest(partial, readDecoderConfig(partial));
    const before = formBefore(known, derived);
    const quantization = asked === 'auto' ? await decide(partial, before, options) : asked;
    const manifest = {
      ...derived,
      name: basename(folder),
      ...(quantization
        ? { quantization, fingerprints: fingerprintModel(partial, quantization) }
        : {}),
    };
    const same = known?.manifest.fingerprints.model === manifest.fingerprints.model;
    if (known && same && hasFilesOf(folder, partial)) return known;
    writeFileSync(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return readModelFolder(folder);
}

/** What the same weights were stored as before; undefined for others, and where nothing was decided yet. */
function formBefore(known: ModelFolder | null, derived: ModelManifest): Quantization | undefined {
  const same = known?.manifest.fingerprints.weights === derived.fingerprints.weights;
  return same ? known?.manifest.quantization : undefined;
}

/**
 * What was decided for the same weights before, or int8, or what measures best where int4
 * keeps every block; on CUDA and in float16 weights stay.
 */
async function decide(
  checkpoint: string,
  before: Quantization | undefined,
  options: AddOptions,
): Promise<Quantization> {
  const kept = options.compute !== 'float32' || options.provider === 'cuda';
  if (kept && !options.auto) return 'none';
  // WebGPU has no int8, so int4 may have been taken for it.
  const mayBe4 = options.auto === 'int4' || isIn4Bits(readWeightIndex(checkpoint).values());
  if (before && (before !== 'int4' || mayBe4)) return before;
  if (options.auto) return options.auto;
  if (!mayBe4) return 'int8';
  const { hiddenSize } = readDecoderConfig(checkpoint);
  return await quickestForm(hiddenSize, options.threads ?? availableParallelism());
}

/** Weights are linked. The rest is copied: a model must not change with its source. */
function takeFiles(checkpoint: string, folder: string): void {
  if (statSync(checkpoint).isFile()) return writeGgufCheckpoint(checkpoint, folder);
  for (const file of readdirSync(checkpoint).filter((file) => TAKEN_OVER.test(file))) {
    const take = isDescription(file) ? copyFileSync : linkOrCopy;
    take(join(checkpoint, file), join(folder, file));
  }
}

/** Whether `folder` describes its model by the same files as `other`, which fingerprints know a part of. */
function hasFilesOf(folder: string, other: string): boolean {
  return readdirSync(other)
    .filter(isDescription)
    .every((file) => {
      const path = join(folder, file);
      return existsSync(path) && readFileSync(path).equals(readFileSync(join(other, file)));
    });
}

function isDescription(file: string): boolean {
  return /\.(json|jinja)$/.test(file);
}

/** A folder's last part, or a file's without .gguf; of a file that is only called "model", its folder's. */
function stem(path: string): string {
  const whole = resolve(path);
  const name = basename(whole).replace(/\.gguf$/i, '');
  return name === 'model' && isGgufName(whole) ? basename(dirname(whole)) : name;
}
