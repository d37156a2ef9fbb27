/** Opens what ESPALIER_DRAFT names as the drafter beside the engine. */
import type { Clock } from '../src/link/protocol/index.ts';
import { type AddOptions, addModel } from './builder/add-model.ts';
import { layersOf } from './builder/decoder-options.ts';
import { earlyExit } from './builder/early-exit.ts';
import { featureDrafter } from './builder/feature-drafter.ts';
import { hydraHeads } from './builder/hydra-heads.ts';
import type { ModelFolder } from './builder/model-folder.ts';
import type { PreparedModel } from './builder/prepare.ts';
import { readPromptTokens } from './builder/prompt-tokens.ts';
import { haveSameTokens } from './builder/same-tokens.ts';
import { skippedBlocks } from './builder/skipped-blocks.ts';
import { type TrainedKind, trainedKind } from './builder/trained-file.ts';
import type { ModelPart } from './builder/trained-layer.ts';
import { Echoes } from './drafters/echoes.ts';
import { EngineNetwork } from './drafters/engine-network.ts';
import { HydraNetwork } from './drafters/hydra-network.ts';
import { JointNetwork } from './drafters/joint-network.ts';
import type { LocalDrafters } from './drafters/local-drafters.ts';
import type { Network } from './drafters/network.ts';
import { NetworkedDrafters } from './drafters/networked-drafters.ts';
import { PromptNetwork } from './drafters/prompt-network.ts';
import { DraftHeads } from './engine/draft-heads.ts';
import { type EngineOptions, openEngine, openPart } from './engine/open.ts';
import type { OrtEngine } from './engine/ort-engine.ts';

/** In ESPALIER_DRAFT, the target's own weights. */
const SELF = 'self';
/** How the file ends of what was trained to draft for the target. */
const TRAINED = '.safetensors';
/** By the kind of such a file, what it makes of the target; heads and prompt tokens are no part of it. */
const PARTS: Record<
  Exclude<TrainedKind, 'hydra' | 'ppd'>,
  (prepared: PreparedModel, file: string) => ModelPart
> = {
  feature: featureDrafter,
  kangaroo: earlyExit,
  swift: skippedBlocks,
};
/** What a name of ESPALIER_DRAFT stands for. */
export type NetworkKind = TrainedKind | typeof SELF | 'model';
/** What reads the target's hidden states. */
const OVER_STATES: ReadonlySet<NetworkKind> = new Set(['feature', 'hydra']);
/** In ESPALIER_DRAFT at most. */
const MAX_NETWORKS = 16;
/** Tokens of a session's text that a network beside the engine reads, its nodes included, at most. */
const CONTEXT = 2048;
/** Bytes that its keys and values may take, over all exits of a model. */
const MEMORY_BYTES = 2 ** 29;

/** How the engine of a network is opened. */
export interface NetworkSetup {
  settings: EngineOptions;
  add: AddOptions;
}

/**
 * What drafts beside `engine`, which runs `target`.
 * @param names as `namesIn` gives them; none for the echo alone
 */
export async function openDrafters(
  names: readonly string[],
  target: ModelFolder,
  engine: OrtEngine,
  { clock, ...setup }: NetworkSetup & { clock: Pick<Clock, 'now'> },
): Promise<LocalDrafters> {
  if (names.length === 0) return new Echoes();
  const opened: Network[][] = [];
  try {
    for (const name of names) opened.push(await openNetworks(name, target, engine, setup));
  } catch (cause) {
    for (const network of opened.flat()) network.close();
    throw cause;
  }
  return new NetworkedDrafters(waysOf(opened), clock);
}

/**
 * The ways to draft with what several names have: each of their networks by itself, and
 * where there are several names the whole ones as one.
 */
export function waysOf(opened: readonly (readonly Network[])[]): Network[] {
  const ways = opened.flat();
  if (opened.length > 1) ways.push(new JointNetwork(opened.map((own) => own.at(-1)!)));
  return ways;
}

/** Whether one of them reads the target's hidden states, which the target must be opened to give. */
export function readsHidden(names: readonly string[]): boolean {
  return names.some((name) => OVER_STATES.has(networkKind(name)));
}

/**
 * The prompt tokens among them, which the target must be opened with; undefined where there
 * are none. Throws an Error for a file that does not fit `target`, or where two are named.
 */
export function promptTokensIn(
  names: readonly string[],
  target: ModelFolder,
): Float32Array | undefined {
  const [file, another] = names.filter((name) => networkKind(name) === 'ppd');
  if (another) throw new Error(`${file} and ${another} are both prompt tokens: name one`);
  return file === undefined ? undefined : readPromptTokens(target, file);
}

/** Throws an Error for a file of none of the kinds. */
export function networkKind(name: string): NetworkKind {
  if (name.endsWith(TRAINED)) return trainedKind(name);
  return name === SELF ? SELF : 'model';
}

/**
 * The networks that ESPALIER_DRAFT names. Throws where one of several has no name, one is
 * named twice, or there are too many.
 */
export function namesIn(draft: string | undefined): string[] {
  if (!draft) return [];
  const names = draft.split(',').map((name) => name.trim());
  if (names.length > 1 && names.includes('')) {
    throw new Error(
      `ESPALIER_DRAFT has an empty name: "${draft}". Commas divide names, so a path in it can't contain one`,
    );
  }
  if (names.length > MAX_NETWORKS) {
    throw new Error(`ESPALIER_DRAFT names ${names.length} networks; at most ${MAX_NETWORKS}`);
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new Error(`ESPALIER_DRAFT names ${twice} twice: name it once`);
  return names;
}

/**
 * What one name of ESPALIER_DRAFT stands for: one network, or a model by its exits, the
 * shallowest first, and whole. Rejects with an error that names what does not fit the target.
 */
export async function openNetworks(
  draft: string,
  target: ModelFolder,
  engine: OrtEngine,
  { settings, add }: NetworkSetup,
): Promise<Network[]> {
  const kind = networkKind(draft);
  if (settings.cudaGraphs && kind !== 'ppd') {
    // While one thread captures, CUDA refuses others what loading and copying need.
    throw new Error(
      'ESPALIER_CUDA_GRAPHS=true leaves no room for a drafter on CUDA: set ESPALIER_DRAFT_PROVIDER=cpu, or do without one',
    );
  }
  const options: EngineOptions = {
    ...settings,
    // Its words are guesses: they need not be the same bits wherever they lie in a tree.
    attention: 'fused',
    // It reads every row.
    keptLogits: false,
    maxContext: Math.min(CONTEXT, settings.maxContext ?? CONTEXT),
    memoryBytes: MEMORY_BYTES,
    slots: engine.limits.slots,
  };
  switch (kind) {
    case 'model':
      return await openSecond(draft, target, options, add);
    case SELF:
      return [await openSelf(target, engine, options)];
    case 'hydra':
      return [await openHydra(draft, engine, options)];
    case 'ppd':
      return [openPrompts(draft, engine)];
    default:
      return [await openLayers(draft, PARTS[kind], engine, options)];
  }
}

async function openSelf(
  { config: { layers, vocabSize } }: ModelFolder,
  engine: OrtEngine,
  options: EngineOptions,
): Promise<Network> {
  const own = await openPart(engine, { blocks: layersOf(0, layers) }, options);
  return new EngineNetwork(own, { name: SELF, vocabSize });
}

async function openLayers(
  file: string,
  partOf: (prepared: PreparedModel, file: string) => ModelPart,
  engine: OrtEngine,
  options: EngineOptions,
): Promise<Network> {
  const part = partOf(engine.parts.prepared, file);
  const { features, vocabulary } = part;
  if (features) requireStates(file, engine);
  const own = await openPart(engine, part, { ...options, hiddenOutput: features });
  return new EngineNetwork(own, {
    name: file,
    vocabSize: engine.limits.vocabSize,
    vocabulary,
    readsStates: features,
  });
}

async function openHydra(
  file: string,
  engine: OrtEngine,
  options: EngineOptions,
): Promise<Network> {
  const heads = hydraHeads(engine.parts.prepared, file);
  requireStates(file, engine);
  const opened = await DraftHeads.open(engine, heads, options);
  return new HydraNetwork(file, opened, engine.limits.vocabSize);
}

function requireStates(file: string, engine: OrtEngine): void {
  if (engine.parts.outputs.some(({ name }) => name === 'hidden')) return;
  throw new Error(
    `${file} reads the target's hidden states, and this target was opened to give none: ` +
      `start the verifier with ESPALIER_DRAFT=${file}; bench:drafters takes it by --draft`,
  );
}

function openPrompts(file: string, engine: OrtEngine): Network {
  const { prepared, promptTokens } = engine.parts;
  const values = readPromptTokens(prepared.model, file);
  const { vocabSize, promptPlaces = 0 } = engine.limits;
  if (!promptTokens || promptTokens.join() !== values.join()) {
    throw new Error(
      `${file} has prompt tokens, and this target was opened without them: ` +
        `start the verifier with ESPALIER_DRAFT=${file}; bench:drafters takes it by --draft`,
    );
  }
  return new PromptNetwork(file, promptPlaces, vocabSize);
}

async function openSecond(
  source: string,
  target: ModelFolder,
  options: EngineOptions,
  add: AddOptions,
): Promise<Network[]> {
  const model = await addModel(source, add);
  if (!haveSameTokens(model, target)) {
    throw new Error(
      `ESPALIER_DRAFT ${model.manifest.name} has another tokenizer than ${target.manifest.name}: ` +
        'name a model of the same family',
    );
  }
  const { exits } = model.config;
  // All depths together may take what one network may.
  const memoryBytes = Math.floor(MEMORY_BYTES / (exits.length + 1));
  const own = { ...options, memoryBytes };
  const { vocabSize } = target.config;
  const whole = await openEngine(model.path, own);
  const networks = [new EngineNetwork(whole, { name: source, vocabSize })];
  try {
    for (const exit of exits.toReversed()) {
      const part = await openPart(whole, { blocks: layersOf(0, exit) }, own);
      const name = `${source}, first ${exit} of its layers`;
      networks.unshift(new EngineNetwork(part, { name, vocabSize }));
    }
  } catch (cause) {
    for (const network of networks) network.close();
    throw cause;
  }
  return networks;
}
