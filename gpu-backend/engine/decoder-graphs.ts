/**
 * The decoder graph for different numbers of lanes. They share one copy of the
 * weights; all but the first are loaded when they are first wanted, off the
 * event loop, while steps continue with those that are there.
 */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import { buildDecoder } from '../builder/decoder.ts';
import type { DecoderBlock } from '../builder/decoder-options.ts';
import { MemoryForm } from '../builder/memory-form.ts';
import type { PreparedModel } from '../builder/prepare.ts';
import { Weights } from '../builder/weights.ts';
import type { CudaOptions } from '../ort/cuda.ts';
import { InferenceSession } from '../ort/inference-session.ts';
import { RunThread } from '../ort/run-thread.ts';
import type { Device } from '../ort/tensor.ts';
import type { WebGpuOptions } from '../ort/webgpu.ts';
import { DeviceMemory } from './device-memory.ts';
import type { Lane } from './lane.ts';
import { LaneRunner, type RunnerContext } from './lane-runner.ts';
import { SharedWeights } from './shared-weights.ts';

/** Graphs for one session each lane: few enough to be loaded, close enough to leave few lanes idle. */
const OWN_LANE_COUNTS = [1, 2, 3, 4, 6, 8];
export const MAX_OWN_LANES = Math.max(...OWN_LANE_COUNTS);
/** One lane over one slot, where all other graphs have lanes over several: for a session that is alone. */
const SOLE = 'sole';
/** A graph by its lanes. */
type GraphKey = number | typeof SOLE;

export interface GraphOptions {
  threads: number;
  /** Positions that the rotary tables cover. */
  positions: number;
  /** Lanes over several slots, up to so many; null for lanes of one slot. */
  sharedLanes: number | null;
  attention: AttentionForm;
  foldHeads: boolean;
  hiddenOutput: boolean;
  /** The most likely tokens of a row that the graph gives. */
  top: number;
  /** Blocks of a row of logits whose largest the graph gives. */
  peaks: number;
  features: boolean;
  /** Embeddings of prompt tokens; undefined for none. */
  promptTokens?: Float32Array | undefined;
  /** The blocks that are computed; undefined for all. */
  modelBlocks?: readonly DecoderBlock[] | undefined;
  /** Logits of a row. */
  logits: number;
  cuda?: CudaOptions | undefined;
  /** Runs on CUDA may be captured and replayed. */
  replayed?: boolean | undefined;
  webgpu?: WebGpuOptions | undefined;
}

export class DecoderGraphs {
  private readonly prepared: PreparedModel;
  private readonly options: GraphOptions;
  private readonly weights: SharedWeights;
  /** Makes all runs, where they may be captured. */
  private readonly thread: RunThread | undefined;
  private readonly counts: readonly number[];
  private readonly first: InferenceSession;
  /** By lanes, ascending. */
  private readonly loaded: LaneRunner[] = [];
  private sole: LaneRunner | null = null;
  private readonly loading = new Map<GraphKey, Promise<void>>();
  private context: RunnerContext | null = null;
  private closed = false;

  private constructor(
    prepared: PreparedModel,
    options: GraphOptions,
    weights: SharedWeights,
    thread: RunThread | undefined,
    counts: readonly number[],
    first: InferenceSession,
  ) {
    this.prepared = prepared;
    this.options = options;
    this.weights = weights;
    this.thread = thread;
    this.counts = counts;
    this.first = first;
  }

  /** @param beside graphs of the same model, whose weights these share where they lie on the same device */
  static async open(
    prepared: PreparedModel,
    options: GraphOptions,
    beside?: DecoderGraphs,
  ): Promise<DecoderGraphs> {
    const { sharedLanes } = options;
    const counts = sharedLanes === null ? ownLaneCounts(prepared) : upTo(sharedLanes);
    const device = options.cuda ? 'cuda' : options.webgpu ? 'webgpu' : 'cpu';
    const shared =
      beside?.device.name === device && foldsHeads(beside.options) === foldsHeads(options)
        ? beside.weights
        : undefined;
    const weights = shared?.retain() ?? (await loadWeights(prepared, options));
    let thread: RunThread | undefined;
    try {
      if (options.replayed) thread = await RunThread.start(options.cuda!.deviceId);
      const first = await load(prepared, options, weights, thread, counts[0]!);
      return new DecoderGraphs(prepared, options, weights, thread, counts, first);
    } catch (cause) {
      thread?.close();
      weights.release();
      throw cause;
    }
  }

  /** Where the graphs run, with memory that lasts until they are closed. */
  get memory(): DeviceMemory | null {
    return this.weights.memory;
  }

  get device(): Device {
    return this.weights.device;
  }

  /** The model's matrices, for another graph that computes with them: whoever asks releases them. */
  retainWeights(): SharedWeights {
    return this.weights.retain();
  }

  /** Must be called once before `fit`: the caches live on the device that opening has found. */
  async start(context: RunnerContext): Promise<void> {
    this.context = context;
    this.loaded.push(new LaneRunner(this.first, this.counts[0]!, context));
    // Lanes of several slots need lengths in fused attention, which cost a single one launches.
    // Padded to few shapes its cache is up to twice what counts: a length then saves more.
    const { attention, batchedLanes, fixedShapes } = context;
    if (attention === 'fused' && batchedLanes && !fixedShapes) await this.fetch(SOLE);
    // While a run is captured nothing can be loaded beside it: all graphs are loaded now.
    if (this.thread) for (const lanes of this.counts) await this.loadFor(lanes);
  }

  /** Lanes of the largest graph: a step of more takes several runs. */
  get mostLanes(): number {
    return this.counts.at(-1)!;
  }

  /** The best graph at hand for a run of `lanes`; a better one is fetched for the next time. */
  fit(lanes: readonly Lane[]): LaneRunner {
    if (this.sole && lanes.length === 1 && lanes[0]!.slots.length === 1) return this.sole;
    const wanted = this.wanted(lanes.length);
    const larger = this.loaded.find((runner) => runner.lanes >= wanted);
    if (larger?.lanes !== wanted) void this.fetch(wanted);
    return larger ?? this.loaded.at(-1)!;
  }

  /** Resolves when the best graph for `sessions` is loaded, or can't be. */
  async loadFor(sessions: number): Promise<void> {
    const wanted = this.wanted(sessions);
    if (this.loaded.every(({ lanes }) => lanes !== wanted)) await this.fetch(wanted);
  }

  private wanted(sessions: number): number {
    return this.counts.find((count) => count >= sessions) ?? this.counts.at(-1)!;
  }

  private fetch(key: GraphKey): Promise<void> {
    let pending = this.loading.get(key);
    if (!pending) {
      pending = this.loadFurther(key);
      this.loading.set(key, pending);
    }
    return pending;
  }

  close(): void {
    this.closed = true;
    for (const runner of this.loaded) runner.release();
    this.sole?.release();
    // Sessions still loading use the weights: the last one frees them.
    void Promise.allSettled(this.loading.values()).then(() => this.weights.release());
    this.thread?.close();
  }

  private async loadFurther(key: GraphKey): Promise<void> {
    try {
      const session = await load(this.prepared, this.options, this.weights, this.thread, key);
      if (this.closed) return session.release();
      if (key === SOLE) {
        this.sole = new LaneRunner(session, 1, { ...this.context!, batchedLanes: false });
        return;
      }
      this.loaded.push(new LaneRunner(session, key, this.context!));
      this.loaded.sort((a, b) => a.lanes - b.lanes);
    } catch (error) {
      // Steps continue with other graphs; say why they are slower than they could be.
      const sessions = key === SOLE ? 'one session' : `${key} sessions`;
      process.emitWarning(`no graph for ${sessions}: ${(error as Error).message}`);
    }
  }
}

/**
 * On a CPU float16 is widened around operators, and ORT leaves out some of the
 * roundings in between, in different places of different graphs. One graph for all
 * is what keeps a session's bits from depending on its company.
 */
function ownLaneCounts({ layout }: PreparedModel): readonly number[] {
  return layout.compute === 'float16' ? [1] : OWN_LANE_COUNTS;
}

/** Every number of lanes, as each that stands idle costs launches. */
function upTo(lanes: number): readonly number[] {
  return Array.from({ length: lanes }, (_, i) => i + 1);
}

async function loadWeights(prepared: PreparedModel, options: GraphOptions): Promise<SharedWeights> {
  const { threads, cuda, webgpu } = options;
  const memory = cuda || webgpu ? await DeviceMemory.open({ threads, cuda, webgpu }) : null;
  const { model, layout } = prepared;
  // What a CPU widens from float16 ONNX Runtime reads from the files, as they lie.
  const differs = foldsHeads(options) && (memory !== null || layout.compute === 'float32');
  const form = differs ? new MemoryForm(model.config, layout) : null;
  return await SharedWeights.load(prepared, memory, form);
}

function foldsHeads({ attention, foldHeads }: GraphOptions): boolean {
  return attention === 'fused' && foldHeads;
}

function load(
  { model, layout, folder }: PreparedModel,
  options: GraphOptions,
  shared: SharedWeights,
  thread: RunThread | undefined,
  key: GraphKey,
): Promise<InferenceSession> {
  const products = options.attention === 'grouped' ? 'plain' : 'fused';
  const { form } = shared;
  const inMemory = form?.layoutOf(layout) ?? layout;
  const weights = new Weights(model.config, inMemory, options.positions, products, form?.order);
  const graph = buildDecoder(model.config, weights, {
    attention: options.attention,
    lanes: key === SOLE ? 1 : key,
    batchedLanes: key !== SOLE && options.sharedLanes !== null,
    foldHeads: options.foldHeads,
    headOrder: form?.order ?? null,
    hiddenOutput: options.hiddenOutput,
    top: options.top,
    peaks: options.peaks,
    features: options.features,
    promptTokens: options.promptTokens,
    blocks: options.modelBlocks,
    logits: options.logits,
  });
  const { threads, cuda, webgpu } = options;
  return InferenceSession.load(graph, folder, {
    threads,
    cuda,
    webgpu,
    shared: shared.initializers,
    thread,
  });
}
