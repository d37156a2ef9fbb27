/** Opens a model folder as an engine: converts its weights if that has not been done, builds the graph, loads it. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDecoder } from '../builder/decoder.ts';
import { type ModelFolder, readModelFolder } from '../builder/model-folder.ts';
import { readWeightIndex } from '../builder/safetensors.ts';
import {
  type ComputeType,
  convertWeights,
  type WeightLayout,
  Weights,
} from '../builder/weights.ts';
import { Session } from '../ort/session.ts';
import type { Engine } from './engine.ts';
import { OrtEngine } from './ort-engine.ts';

export interface EngineOptions {
  /** Threads of ORT's own pool; by default one a core. */
  threads?: number;
  /** The most bytes that keys and values may take. */
  memoryBytes?: number;
  /** Sessions that can hold a slot at once; by default as many as the memory allows, up to 16. */
  slots?: number;
  /** The longest context in tokens; by default the model's own limit. */
  maxContext?: number;
  provider?: 'cpu' | 'cuda';
  /** Where converted weights are kept; by default .espalier at the root of the repository. */
  cacheFolder?: string;
}

const DEFAULT_CACHE = fileURLToPath(new URL('../../.espalier', import.meta.url));
const WEIGHTS_FILE = 'weights.bin';
const LAYOUT_FILE = 'layout.json';

export async function openEngine(
  modelFolder: string,
  options: EngineOptions = {},
): Promise<Engine> {
  const model = readModelFolder(modelFolder);
  const compute: ComputeType = options.provider === 'cuda' ? 'float16' : 'float32';
  const cache = join(
    options.cacheFolder ?? DEFAULT_CACHE,
    `${model.manifest.fingerprints.weights.slice(0, 16)}-${compute}`,
  );
  const layout = preparedWeights(model, compute, cache);
  const maxContext = Math.min(
    options.maxContext ?? model.config.maxPositions,
    model.config.maxPositions,
  );
  const engineOptions = {
    ...options,
    maxContext,
    threads: options.threads ?? availableParallelism(),
  };
  const weights = new Weights(model.config, layout, OrtEngine.capacity(maxContext));
  const graph = buildDecoder(model.config, weights, { lanes: 1 });
  const session = new Session(graph, cache, {
    threads: engineOptions.threads,
    ...(options.provider === 'cuda' ? { cuda: { deviceId: 0, memoryBytes: 0 } } : {}),
  });
  const engine = new OrtEngine(session, model.config, compute, engineOptions);
  await engine.measure();
  return engine;
}

/** Converts the weights once; a half-written folder never gets the final name. */
function preparedWeights(model: ModelFolder, compute: ComputeType, cache: string): WeightLayout {
  const layoutFile = join(cache, LAYOUT_FILE);
  if (existsSync(layoutFile)) return JSON.parse(readFileSync(layoutFile, 'utf8'));
  mkdirSync(dirname(cache), { recursive: true });
  const partial = `${cache}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    const stored = readWeightIndex(model.path).values();
    const layout = convertWeights(stored, compute, join(partial, WEIGHTS_FILE), WEIGHTS_FILE);
    writeFileSync(join(partial, LAYOUT_FILE), JSON.stringify(layout));
    renameSync(partial, cache);
    return layout;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another process may have finished first: its folder is as good.
    if (existsSync(layoutFile)) return JSON.parse(readFileSync(layoutFile, 'utf8'));
    throw error;
  }
}
