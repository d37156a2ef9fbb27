/** A loaded graph, and the bindings through which it runs on tensors that stay where they are. */
import { appendCuda, type CudaOptions, cudaDevice } from './cuda.ts';
import type { Copy } from './cuda-runtime.ts';
import { ortEnvironment } from './environment.ts';
import { type Address, type OrtLibrary, ortLibrary } from './library.ts';
import type { RunThread } from './run-thread.ts';
import { cpuDevice, type Device, type Tensor } from './tensor.ts';
import { appendWebGpu, type WebGpuOptions, webGpuDevice } from './webgpu.ts';

const LOG_ERRORS_ONLY = 3;
/** ORT's own configuration key for the folder that external initializers are found in. */
const DATA_FOLDER = 'session.model_external_initializers_file_folder_path';
/** ORT's key for threads that rest between runs. By default they spin, and on two cores the event loop and the worker wait for them. */
const REST_BETWEEN_RUNS = 'session.force_spinning_stop';
/** ORT's key for the CUDA graph that a run captures or replays; with −1 it does neither. */
const GRAPH_ID = 'gpu_graph_id';
const NO_GRAPH = -1;

export interface SessionOptions {
  /** Threads of ORT's pool, the calling one included. */
  threads: number;
  cuda?: CudaOptions;
  webgpu?: WebGpuOptions;
  /** Initializers that several sessions use, in memory that outlives them. */
  shared?: SharedInitializers;
  /** CUDA graphs may be captured: all runs are made by this thread. */
  thread?: RunThread | undefined;
}

/** What else a run on a `RunThread` does. */
export interface GraphRun {
  /** Of the CUDA graph that is captured by its first run and replayed by later ones, whatever is bound then. */
  graph?: number;
  before?: readonly Copy[];
  after?: readonly Copy[];
}

export class InferenceSession {
  readonly device: Device;
  private readonly ort: OrtLibrary = ortLibrary();
  private readonly thread: RunThread | undefined;
  /** Run options by graph. */
  private readonly options = new Map<number, Address>();
  private address: Address | null;

  private constructor(address: Address, device: Device, thread: RunThread | undefined) {
    this.address = address;
    this.device = device;
    this.thread = thread;
  }

  /**
   * Loads a serialised graph whose initializers lie in files of `dataFolder`, off
   * the event loop. Rejects with ORT's text.
   */
  static async load(
    graph: Uint8Array,
    dataFolder: string,
    options: SessionOptions,
  ): Promise<InferenceSession> {
    const ort = ortLibrary();
    const environment = ortEnvironment();
    const settings = ort.create('CreateSessionOptions');
    try {
      ort.call('SetIntraOpNumThreads', settings, options.threads);
      ort.call('SetSessionLogSeverityLevel', settings, LOG_ERRORS_ONLY);
      ort.call('AddSessionConfigEntry', settings, DATA_FOLDER, dataFolder);
      ort.call('AddSessionConfigEntry', settings, REST_BETWEEN_RUNS, '1');
      if (options.cuda) appendCuda(ort, settings, options.cuda, options.thread !== undefined);
      if (options.webgpu) appendWebGpu(ort, settings, options.webgpu);
      const { shared } = options;
      shared?.addTo(settings);
      const model = [environment, graph, graph.byteLength, settings] as const;
      const address = shared
        ? await ort.createAsync(
            'CreateSessionFromArrayWithPrepackedWeightsContainer',
            ...model,
            shared.container,
          )
        : await ort.createAsync('CreateSessionFromArray', ...model);
      return new InferenceSession(address, deviceOf(ort, address, options), options.thread);
    } finally {
      ort.release('ReleaseSessionOptions', settings);
    }
  }

  bind(): Binding {
    if (this.address === null) throw new Error('the session is closed');
    return new Binding(this.ort, this.address);
  }

  /** Runs the graph; the caller keeps every bound tensor alive until it resolves. */
  async run(binding: Binding, graphRun: GraphRun = {}): Promise<void> {
    const { address, thread } = this;
    if (address === null) throw new Error('the session is closed');
    if (!thread) return await this.ort.callAsync('RunWithBinding', address, null, binding.address);
    const { graph = NO_GRAPH, before = [], after = [] } = graphRun;
    const options = this.optionsFor(graph);
    await thread.run({ session: address, options, binding: binding.address, before, after });
  }

  private optionsFor(graph: number): Address {
    let options = this.options.get(graph);
    if (options === undefined) {
      options = this.ort.create('CreateRunOptions');
      this.options.set(graph, options);
      this.ort.call('AddRunConfigEntry', options, GRAPH_ID, String(graph));
    }
    return options;
  }

  release(): void {
    if (this.address === null) return;
    for (const options of this.options.values()) this.ort.release('ReleaseRunOptions', options);
    if (this.device.host) this.ort.release('ReleaseAllocator', this.device.host.allocator);
    if (this.device.name !== 'cpu') {
      this.ort.release('ReleaseAllocator', this.device.allocator);
      this.ort.release('ReleaseMemoryInfo', this.device.memoryInfo);
    }
    this.ort.release('ReleaseSession', this.address);
    this.address = null;
  }
}

function deviceOf(ort: OrtLibrary, session: Address, { cuda, webgpu }: SessionOptions): Device {
  if (cuda) return cudaDevice(ort, session, cuda.deviceId);
  return webgpu ? webGpuDevice(ort, session) : cpuDevice();
}

/** Which tensor each input and output of a graph uses. Rebinding a name replaces its tensor. */
export class Binding {
  readonly address: Address;
  private readonly ort: OrtLibrary;

  constructor(ort: OrtLibrary, session: Address) {
    this.ort = ort;
    this.address = ort.create('CreateIoBinding', session);
  }

  input(name: string, tensor: Tensor): void {
    this.ort.call('BindInput', this.address, name, tensor.value);
  }

  output(name: string, tensor: Tensor): void {
    this.ort.call('BindOutput', this.address, name, tensor.value);
  }

  release(): void {
    this.ort.release('ReleaseIoBinding', this.address);
  }
}

/**
 * Weights that several sessions use. ORT rearranges matrices for its kernels when
 * a session is made; the container lets later sessions use the first one's copy.
 */
export class SharedInitializers {
  readonly container: Address;
  /** By the names of the graphs. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  private readonly ort: OrtLibrary = ortLibrary();

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.tensors = tensors;
    this.container = this.ort.create('CreatePrepackedWeightsContainer');
  }

  addTo(settings: Address): void {
    for (const [name, tensor] of this.tensors) {
      this.ort.call('AddInitializer', settings, name, tensor.value);
    }
  }

  /** After the last session that uses it was released. The tensors' memory is the caller's. */
  release(): void {
    for (const tensor of this.tensors.values()) tensor.release();
    this.ort.release('ReleasePrepackedWeightsContainer', this.container);
  }
}
