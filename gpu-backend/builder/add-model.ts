/**
 * Makes a checkpoint or a GGUF file a model of this instance: a folder with its
 * files, linked where possible, and a manifest that says who it is.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readDecoderConfig } from './config.ts';
import { fingerprintModel } from './fingerprint.ts';
import { isGgufName, writeGgufCheckpoint } from './gguf/checkpoint.ts';
import { type DownloadOptions, downloadCheckpoint, isRepositoryName } from './hub.ts';
import { linkOrCopy } from './link-or-copy.ts';
import {
  deriveManifest,
  MANIFEST_FILE,
  type ModelFolder,
  readModelFolder,
} from './model-folder.ts';
import { prepareModel } from './prepare.ts';
import type { QuantizationChoice } from './quantization.ts';
import type { ComputeType } from './tensor-reader.ts';

export interface AddOptions {
  /** Holds downloads, models and converted weights. */
  cacheFolder: string;
  compute: ComputeType;
  quantization?: QuantizationChoice | undefined;
  download?: DownloadOptions | undefined;
  onProgress?: ((what: 'download' | 'convert', done: number, total: number) => void) | undefined;
}

const TAKEN_OVER = /\.(json|jinja|safetensors)$/;

/**
 * Adds the checkpoint in the folder `source`, the GGUF file `source`, or what the
 * hub has under the name `source` (owner/name). Adding it again finds it. A folder that has a manifest
 * is a model already and is used where it lies.
 */
export async function addModel(source: string, options: AddOptions): Promise<ModelFolder> {
  const checkpoint = await obtain(source, options);
  const model = existsSync(join(checkpoint, MANIFEST_FILE))
    ? readModelFolder(checkpoint)
    : takeOver(checkpoint, nameOf(source), options);
  prepareModel(model, options.cacheFolder, {
    compute: options.compute,
    quantization: options.quantization ?? model.manifest.quantization,
    onProgress: (done, total) => options.onProgress?.('convert', done, total),
  });
  return model;
}

/** The folder of the checkpoint, downloaded if it is not one already. */
async function obtain(source: string, options: AddOptions): Promise<string> {
  if (existsSync(source)) {
    if (statSync(source).isFile() && !isGgufName(source)) {
      throw new Error(`${source} is neither a folder nor a .gguf file`);
    }
    return resolve(source);
  }
  if (!isRepositoryName(source)) {
    throw new Error(`${source} is neither a folder nor a model's owner/name`);
  }
  const folder = join(options.cacheFolder, 'downloads', nameOf(source));
  await downloadCheckpoint(source, folder, {
    ...options.download,
    onProgress: (done, total) => options.onProgress?.('download', done, total),
  });
  return folder;
}

function takeOver(checkpoint: string, name: string, options: AddOptions): ModelFolder {
  const { quantization, cacheFolder } = options;
  const folder = join(cacheFolder, 'models', quantization ? `${name}-${quantization}` : name);
  const partial = `${folder}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    takeFiles(checkpoint, partial);
    const manifest = {
      ...deriveManifest(partial, readDecoderConfig(partial)),
      name: basename(folder),
      ...(quantization
        ? { quantization, fingerprints: fingerprintModel(partial, quantization) }
        : {}),
    };
    const known = existsSync(join(folder, MANIFEST_FILE)) ? readModelFolder(folder) : null;
    if (known?.manifest.fingerprints.model === manifest.fingerprints.model) return known;
    writeFileSync(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return readModelFolder(folder);
}

function takeFiles(checkpoint: string, folder: string): void {
  if (statSync(checkpoint).isFile()) return writeGgufCheckpoint(checkpoint, folder);
  for (const file of readdirSync(checkpoint).filter((file) => TAKEN_OVER.test(file))) {
    linkOrCopy(join(checkpoint, file), join(folder, file));
  }
}

/** owner/name → owner--name; a folder → its last part; a file → its name without .gguf. */
function nameOf(source: string): string {
  return existsSync(source)
    ? basename(resolve(source)).replace(/\.gguf$/i, '')
    : source.replace('/', '--');
}
