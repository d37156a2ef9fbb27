/**
 * Makes a checkpoint a model of this instance: a folder with its files, linked
 * where possible, and a manifest that says who it is.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readDecoderConfig } from './config.ts';
import { fingerprintModel } from './fingerprint.ts';
import { type DownloadOptions, downloadCheckpoint, isRepositoryName } from './hub.ts';
import {
  deriveManifest,
  MANIFEST_FILE,
  type ModelFolder,
  readModelFolder,
} from './model-folder.ts';
import { prepareModel } from './prepare.ts';
import type { Quantization } from './quantize.ts';
import type { ComputeType } from './tensor-reader.ts';

export interface AddOptions {
  /** Holds downloads, models and converted weights. */
  cacheFolder: string;
  compute: ComputeType;
  quantization?: Quantization | undefined;
  download?: DownloadOptions | undefined;
  onProgress?: ((what: 'download' | 'convert', done: number, total: number) => void) | undefined;
}

const TAKEN_OVER = /\.(json|jinja|safetensors)$/;

/**
 * Adds the checkpoint in the folder `source`, or of the hub under the name
 * `source` (owner/name). Adding it again finds it. A folder that has a manifest
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
  if (existsSync(source)) return resolve(source);
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
  const manifest = {
    ...deriveManifest(checkpoint, readDecoderConfig(checkpoint)),
    name: basename(folder),
    ...(quantization
      ? { quantization, fingerprints: fingerprintModel(checkpoint, quantization) }
      : {}),
  };
  const known = existsSync(join(folder, MANIFEST_FILE)) ? readModelFolder(folder) : null;
  if (known?.manifest.fingerprints.model === manifest.fingerprints.model) return known;

  const partial = `${folder}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  for (const file of readdirSync(checkpoint).filter((file) => TAKEN_OVER.test(file))) {
    linkOrCopy(join(checkpoint, file), join(partial, file));
  }
  writeFileSync(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return readModelFolder(folder);
}

/** owner/name → owner--name; a folder → its last part. */
function nameOf(source: string): string {
  return existsSync(source) ? basename(resolve(source)) : source.replace('/', '--');
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(realpathSync(source), target);
  } catch {
    copyFileSync(source, target);
  }
}
