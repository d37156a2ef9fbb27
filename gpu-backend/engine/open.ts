/** Opens a model folder as an engine: converts its weights if that has not been done, builds the graph, loads it. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RECYCLED_SUCCESSORS } from '../../src/draft/stores/recycled-table.ts';
import type { AttentionForm } from '../builder/attention-kernel.ts';
import { type DecoderBlock, layersOf } from '../builder/decoder-options.ts';
import { maxExactThreads } from '../builder/exact-attention.ts';
import { columnsType } from '../builder/linear/columns-type.ts';
import { refuseColumns8 } from '../builder/linear/columns8.ts';
import { readModelFolder } from '../builder/model-folder.ts';
import { isRefuted } from '../builder/noted-check.ts';
import { blocksIn } from '../builder/peaks.ts';
import { type PreparedModel, prepareModel } from '../builder/prepare.ts';
import type { Quantization } from '../builder/quantization.ts';
import type { ComputeType } from '../builder/tensor-reader.ts';
import type { ModelPart } from '../builder/trained-layer.ts';
import { refuseWithoutFloat16 } from '../builder/webgpu-float16.ts';
import type { CudaOptions } from '../ort/cuda.ts';
import type { Device } from '../ort/tensor.ts';
import type { WebGpuOptions } from '../ort/webgpu.ts';
import { assemble } from './assemble.ts';
import { type BudgetRequest, planBuckets } from './budget.ts';
import { calibrate } from './calibrate.ts';
import type { CostPrior } from './cost-model.ts';
import { priorOf } from './cost-prior.ts';
import type { DecoderGraphs } from './decoder-graphs.ts';
import type { EngineParts } from './engine-parts.ts';
import type { EnginePlan } from './engine-plan.ts';
import { runFormOf } from './exactness/run-form.ts';
import { type Proof, proveShortly } from './exactness/short-check.ts';
import { kept, machineKey } from './kept.ts';
import { bytesPerToken, type KvShape } from './kv-pool.ts';
import { WIDTH_STEP } from './lane.ts';
import { OrtEngine } from './ort-engine.ts';
import { MAX_SHARED_ROWS } from './shared-lanes.ts';

export interface EngineOptions {
  /** Threads of ONNX Runtime's pool; by default one a core. */
  threads?: number | undefined;
  /** The most bytes that keys and values may take; by default `DEFAULT_MEMORY_BYTES`. */
  memoryBytes?: number | undefined;
  /** The most sessions that hold a slot at once; fewer where the memory does not allow them. */
  slots?: number | undefined;
  /** The longest context in tokens; by default the model's own limit, up to `DEFAULT_MAX_CONTEXT`. */
  maxContext?: number | undefined;
  provider?: Device['name'] | undefined;
  /** Why this provider, for `/health`. */
  why?: string | undefined;
  cuda?: CudaOptions | undefined;
  webgpu?: WebGpuOptions | undefined;
  /** Where converted weights are kept; by default .espalier at the root of the repository. */
  cacheFolder?: string | undefined;
  quantization?: Quantization | undefined;
  /** Give the last hidden state of the rows whose logits are wanted. */
  hiddenOutput?: boolean | undefined;
  /** Embeddings of prompt tokens, which rows may have beside tokens (`readPromptTokens`). */
  promptTokens?: Float32Array | undefined;
  /** The type to compute in; by default float16 on CUDA and float32 elsewhere. */
  compute?: ComputeType | undefined;
  /** Neighbouring slots share a lane; by default on CUDA. */
  sharedLanes?: boolean | undefined;
  /** Lanes of steps are padded to few shapes; by default with `cudaGraphs`. Only with `sharedLanes`. */
  fixedShapes?: boolean | undefined;
  /** Steps on CUDA are captured and replayed; by default not, as no GPU has shown it. */
  cudaGraphs?: boolean | undefined;
  /** Logits stay on the device until they are read; by default on CUDA. */
  keptLogits?: boolean | undefined;
  /** The graph itself finds each row's most likely tokens; by default with `keptLogits`. */
  topInGraph?: boolean | undefined;
  /** By default exact on a CPU, fused on CUDA, grouped on WebGPU. */
  attention?: AttentionForm | undefined;
  /** Query heads become rows of their key head in fused attention; by default on CUDA. */
  foldHeads?: boolean | undefined;
  /** Claim no exactness that `espalier model check --exact` refuted; by default so, and not in that check itself. */
  heedCheck?: boolean | undefined;
}

const DEFAULT_MEMORY_BYTES = 2 ** 31;
const DEFAULT_MAX_CONTEXT = 8192;
const DEFAULT_SLOTS = 16;
export const DEFAULT_CACHE_FOLDER = fileURLToPath(new URL('../../.espalier', import.meta.url));

/**
 * float16 is what GPUs are fast at; CPUs convert it back and forth. WebGPU's kernels also add up
 * in it, where cuBLAS adds in float32: there it is asked for.
 */
export function computeTypeFor(options: EngineOptions): ComputeType {
  return options.compute ?? (options.provider === 'cuda' ? 'float16' : 'float32');
}

/** Threads of ONNX Runtime's pool. */
export function threadsOf({ threads }: EngineOptions): number {
  return threads ?? availableParallelism();
}

/** Where sessions for `options.provider` are loaded. */
export function deviceOptions({ provider, cuda, webgpu }: EngineOptions) {
  return {
    cuda: provider === 'cuda' ? (cuda ?? { deviceId: 0, memoryBytes: 0 }) : undefined,
    webgpu: provider === 'webgpu' ? (webgpu ?? {}) : undefined,
  };
}

const PROOF_FILE = 'exactness-proof.json';

/**
 * Opens the checkpoint or model in `modelFolder`. Rejects with an error that
 * names what is not supported, missing, or too large.
 */
export async function openEngine(
  modelFolder: string,
  options: EngineOptions = {},
): Promise<OrtEngine> {
  const model = readModelFolder(modelFolder);
  const quantization = options.quantization ?? model.manifest.quantization;
  // Before the weights are converted: a start that is refused leaves nothing.
  if (quantization === 'int8') refuseColumns8(options.provider ?? 'cpu');
  const compute = computeTypeFor(options);
  await refuseWithoutFloat16(options.provider, compute);
  const prepared = prepareModel(model, options.cacheFolder ?? DEFAULT_CACHE_FOLDER, {
    compute,
    quantization,
    columns: quantization === 'int8' ? await columnsType() : undefined,
  });
  return await openPrepared(prepared, options);
}

/**
 * A second engine that computes a part of `engine`'s model. It shares its weights,
 * whichever of the two is closed first.
 */
export async function openPart(
  engine: OrtEngine,
  { blocks, layout, vocabulary, features }: Pick<ModelPart, 'blocks'> & Partial<ModelPart>,
  options: EngineOptions,
): Promise<OrtEngine> {
  if (blocks.every(({ kind }) => kind !== 'attention')) {
    throw new RangeError('a part needs at least one block of attention');
  }
  const { prepared, graphs } = engine.parts;
  const part = { ...prepared, layout: layout ?? prepared.layout };
  return await openPrepared(
    part,
    { ...options, blocks, logits: vocabulary?.length, features },
    graphs,
  );
}

/** What of a model is computed. */
interface PartOptions {
  blocks?: readonly DecoderBlock[];
  logits?: number | undefined;
  features?: boolean | undefined;
}

/** What `openEngine` does once the weights are as the engine reads them. */
export async function openPrepared(
  prepared: PreparedModel,
  options: EngineOptions & PartOptions,
  beside?: DecoderGraphs,
): Promise<OrtEngine> {
  const { model, layout, folder } = prepared;
  const columns8 = Object.values(layout.matrices).some(({ form }) => form === 'columns8');
  if (columns8) refuseColumns8(options.provider ?? 'cpu');
  const plan = planOf(prepared, options);
  const parts = await assemble(prepared, plan, beside);
  const layers = plan.modelBlocks.length / 2;
  const { name } = parts.graphs.device;
  const prior = priorOf({ ...model.config, layers }, layout, name, plan.threads);
  const proof = parts.limits.exact ? await proved(parts, prior, folder, plan.threads) : null;
  const leastRows = proof?.leastRows ?? parts.leastRows;
  const choice = options.why ? { name, why: options.why } : null;
  const refuted = (options.heedCheck ?? true) && isRefuted(model.manifest.exact, runFormOf(parts));
  const limits = { ...parts.limits, exact: parts.limits.exact && !refuted };
  const engine = new OrtEngine({ ...parts, leastRows, limits }, prior, proof?.exactness, choice);
  await calibrate(engine);
  return engine;
}

const ATTENTION_ON: Record<Device['name'], AttentionForm> = {
  cpu: 'exact',
  cuda: 'fused',
  webgpu: 'grouped',
};

function planOf(
  { model, layout }: PreparedModel,
  options: EngineOptions & PartOptions,
): EnginePlan {
  const { config } = model;
  const { blocks = layersOf(0, config.layers), logits = config.vocabSize } = options;
  const { provider = 'cpu' } = options;
  const own = ATTENTION_ON[provider];
  const attention = provider === 'webgpu' ? own : (options.attention ?? own);
  const shape: KvShape = {
    layers: blocks.filter(({ kind }) => kind === 'attention').length,
    width: config.kvHeads * config.headDim,
    type: layout.compute,
    heads: attention === 'grouped' ? config.kvHeads : undefined,
  };
  const onCuda = provider === 'cuda';
  const keptLogits = onCuda && (options.keptLogits ?? true);
  // Runs in parts give each part's alone.
  const topInGraph = attention !== 'grouped' && (options.topInGraph ?? keptLogits);
  const replayed = onCuda && (options.cudaGraphs ?? false);
  const shared = attention !== 'grouped' && (options.sharedLanes ?? onCuda);
  const request: BudgetRequest = {
    memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
    bytesPerToken: bytesPerToken(shape),
    maxContext: Math.min(options.maxContext ?? DEFAULT_MAX_CONTEXT, config.maxPositions),
    slots: options.slots ?? DEFAULT_SLOTS,
    // Behind a slot's capacity, what lanes are padded by.
    tail: shared ? MAX_SHARED_ROWS : WIDTH_STEP,
  };
  const buckets = planBuckets(request);
  const asked = threadsOf(options);
  return {
    shape,
    request,
    buckets,
    attention,
    threads: attention === 'exact' ? Math.min(asked, maxExactThreads(config)) : asked,
    // One lane a pool, and one for a prefill chunk beside them.
    sharedLanes: shared ? buckets.length + 1 : null,
    fixedShapes: shared && (options.fixedShapes ?? replayed),
    replayed,
    foldHeads: options.foldHeads ?? onCuda,
    hiddenOutput: options.hiddenOutput ?? false,
    keptLogits,
    top: topInGraph ? Math.min(RECYCLED_SUCCESSORS, logits) : 0,
    // A GPU's logits may stay there: of the few rows that are read all is.
    peaks: provider === 'cpu' && attention !== 'grouped' ? blocksIn(logits) : 0,
    features: options.features ?? false,
    promptTokens: options.promptTokens,
    modelBlocks: blocks,
    logits,
    ...deviceOptions(options),
  };
}

/** Whether the model is exact on this machine, and how: found out the first time it is opened here. */
function proved(
  parts: EngineParts,
  prior: CostPrior,
  folder: string,
  threads: number,
): Promise<Proof> {
  const form = parts.sharedLanes ? 'exact shared' : 'exact';
  const machine = machineKey(parts.graphs.device.name, threads, form);
  return kept(join(folder, PROOF_FILE), machine, () => proveShortly(parts, prior));
}
