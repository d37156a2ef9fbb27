/** A model made ready to run: its weights converted, once, under a hash of them and their configuration. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ConvertOptions, convertWeights, type WeightLayout } from './convert.ts';
import type { ModelFolder } from './model-folder.ts';
import type { Quantization } from './quantization.ts';
import { checkTensors } from './tensor-shapes.ts';
import { readWeightIndex } from './weight-index.ts';

export interface PreparedModel {
  model: ModelFolder;
  /** Holds the files that the layout names. */
  folder: string;
  layout: WeightLayout;
  /** That was asked for: small matrices may be stored otherwise. */
  quantization: Quantization;
}

const LAYOUT_FILE = 'layout.json';
/** Part of the folder's name: raise it when the meaning of the files changes, those of trained drafters included. */
const LAYOUT_VERSION = 4;
/** Hex digits of the hash in a folder's name. */
const NAME_DIGITS = 16;

/**
 * Converts `model` under `cacheFolder`, or finds that it was done. The folder
 * gets its name only when it is whole, so neither a crash nor a second process
 * at the same work leaves half of one.
 */
export function prepareModel(
  model: ModelFolder,
  cacheFolder: string,
  options: ConvertOptions,
): PreparedModel {
  const folder = join(cacheFolder, folderName(model, options));
  const layoutFile = join(folder, LAYOUT_FILE);
  if (!existsSync(layoutFile)) convertInto(folder, model, options);
  const layout = JSON.parse(readFileSync(layoutFile, 'utf8'));
  return { model, folder, layout, quantization: options.quantization ?? 'none' };
}

/** The configuration says which matrix is the head, and what was proved of the model. */
function folderName({ manifest, config }: ModelFolder, options: ConvertOptions): string {
  const { compute, quantization = 'none', columns } = options;
  const identity = createHash('sha256')
    .update(manifest.fingerprints.weights)
    .update(JSON.stringify(config));
  return [
    identity.digest('hex').slice(0, NAME_DIGITS),
    compute,
    ...(quantization === 'none' ? [] : [quantization]),
    ...(quantization === 'int8' && columns === 'uint8' ? ['unsigned'] : []),
    `v${LAYOUT_VERSION}`,
  ].join('-');
}

function convertInto(folder: string, model: ModelFolder, options: ConvertOptions): void {
  mkdirSync(dirname(folder), { recursive: true });
  const partial = `${folder}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  try {
    const stored = readWeightIndex(model.path);
    checkTensors(stored, model.config);
    const layout = convertWeights(stored, model.config, partial, options);
    writeFileSync(join(partial, LAYOUT_FILE), JSON.stringify(layout));
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another process was faster: its folder is as good.
    if (!existsSync(join(folder, LAYOUT_FILE))) throw error;
  }
}
