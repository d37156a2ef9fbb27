/** What a model folder says about itself: who it is, its architecture, where answers end, how to prompt it. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { PromptForm } from '../../src/link/protocol/index.ts';
import { type DecoderConfig, readDecoderConfig } from './config.ts';
import { type Fingerprints, fingerprintModel } from './fingerprint.ts';
import type { NotedCheck } from './noted-check.ts';
import type { Quantization } from './quantization.ts';
import { readJsonObject } from './read-json.ts';
import { readEosTokenId } from './tokenizer-config.ts';
import { readWeightIndex } from './weight-index.ts';

export interface ModelManifest {
  name: string;
  parameters: number;
  /** The longest context that the architecture allows, in tokens. */
  maxContext: number;
  /** The longest context that the model was trained on: beyond it answers get worse. */
  trainedContext: number;
  /** The form that the model was trained on; absent for general models. */
  prompt?: PromptForm;
  /** How its matrices are to be stored, where that was asked for when it was added. */
  quantization?: Quantization;
  fingerprints: Fingerprints;
  /** What `espalier model check --exact` found last, in each form that it was asked for. */
  exact?: readonly NotedCheck[];
}

export interface ModelFolder {
  /** Absolute. */
  path: string;
  manifest: ModelManifest;
  config: DecoderConfig;
  /** Token ids that end an answer. */
  eosIds: number[];
}

export const MANIFEST_FILE = 'manifest.json';

/**
 * Reads a model folder. Without a manifest.json (a checkpoint as downloaded) one
 * is derived, which reads the weights once to hash them.
 */
export function readModelFolder(path: string): ModelFolder {
  const folder = resolve(path);
  if (!existsSync(join(folder, 'config.json'))) {
    throw new Error(
      `${folder} is not a model folder: it has no config.json. Name the folder of a Hugging Face checkpoint`,
    );
  }
  const config = readDecoderConfig(folder);
  const manifest =
    (readJson(join(folder, MANIFEST_FILE)) as ModelManifest | undefined) ??
    deriveManifest(folder, config);
  return { path: folder, manifest, config, eosIds: readEosIds(folder) };
}

/** The manifest of a checkpoint that has none of its own. */
export function deriveManifest(folder: string, config: DecoderConfig): ModelManifest {
  let parameters = 0;
  for (const { shape } of readWeightIndex(folder).values()) {
    parameters += shape.reduce((product, size) => product * size, 1);
  }
  return {
    name: basename(folder),
    parameters,
    maxContext: config.maxPositions,
    trainedContext: config.maxPositions,
    fingerprints: fingerprintModel(folder),
  };
}

/** What generation_config.json and config.json name, and the tokenizer's own: models disagree with themselves. */
function readEosIds(folder: string): number[] {
  const named = ['generation_config.json', 'config.json'].flatMap(
    (file) => readJson(join(folder, file))?.eos_token_id ?? [],
  );
  return [...new Set([...named.map(Number), ...[readEosTokenId(folder) ?? []].flat()])];
}

function readJson(file: string): Record<string, unknown> | undefined {
  return existsSync(file) ? readJsonObject(file) : undefined;
}
