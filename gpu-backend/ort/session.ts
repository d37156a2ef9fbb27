/** A loaded graph, and the bindings through which it runs on tensors that stay where they are. */
import { type Address, type OrtLibrary, ortLibrary } from './library.ts';
import {
  cpuDevice,
  type Device,
  OrtDeviceAllocator,
  OrtMemTypeDefault,
  type Tensor,
} from './tensor.ts';

const LOG_ERRORS_ONLY = 3;
const LOG_WARNINGS = 2;
const DATA_FOLDER = 'session.model_external_initializers_file_folder_path';

export interface CudaOptions {
  deviceId: number;
  /** The most bytes ORT may take on the device; 0 for no limit. */
  memoryBytes: number;
}

export interface SessionOptions {
  threads: number;
  cuda?: CudaOptions;
  /** Entries of ORT's session configuration, by its own keys. */
  config?: Readonly<Record<string, string>>;
}

let environment: Address | undefined;

export class Session {
  readonly device: Device;
  private readonly ort: OrtLibrary = ortLibrary();
  private address: Address | null;

  /**
   * Loads a serialised graph whose initializers lie in files of `dataFolder`.
   * Blocks while ORT reads and packs the weights.
   */
  constructor(graph: Uint8Array, dataFolder: string, options: SessionOptions) {
    const ort = this.ort;
    environment ??= ort.create('CreateEnv', LOG_WARNINGS, 'espalier');
    const sessionOptions = ort.create('CreateSessionOptions');
    try {
      ort.call('SetIntraOpNumThreads', sessionOptions, options.threads);
      ort.call('SetSessionLogSeverityLevel', sessionOptions, LOG_ERRORS_ONLY);
      const config = { [DATA_FOLDER]: dataFolder, ...options.config };
      for (const [key, value] of Object.entries(config)) {
        ort.call('AddSessionConfigEntry', sessionOptions, key, value);
      }
      if (options.cuda) appendCuda(ort, sessionOptions, options.cuda);
      this.address = ort.create(
        'CreateSessionFromArray',
        environment,
        graph,
        graph.byteLength,
        sessionOptions,
      );
    } finally {
      ort.release('ReleaseSessionOptions', sessionOptions);
    }
    this.device = options.cuda ? cudaDevice(ort, this.address, options.cuda.deviceId) : cpuDevice();
  }

  bind(): Binding {
    if (this.address === null) throw new Error('the session is closed');
    return new Binding(this.ort, this.address);
  }

  /** Runs the graph; the caller keeps every bound tensor alive until it resolves. */
  async run(binding: Binding, runOptions: Address | null = null): Promise<void> {
    if (this.address === null) throw new Error('the session is closed');
    await this.ort.callAsync('RunWithBinding', this.address, runOptions, binding.address);
  }

  release(): void {
    if (this.device.name !== 'cpu') {
      this.ort.release('ReleaseAllocator', this.device.allocator);
      this.ort.release('ReleaseMemoryInfo', this.device.memoryInfo);
    }
    if (this.address !== null) this.ort.release('ReleaseSession', this.address);
    this.address = null;
  }
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

function appendCuda(ort: OrtLibrary, sessionOptions: Address, cuda: CudaOptions): void {
  const provider = ort.create('CreateCUDAProviderOptions');
  try {
    const settings: Record<string, string> = {
      device_id: String(cuda.deviceId),
      arena_extend_strategy: 'kSameAsRequested',
    };
    if (cuda.memoryBytes > 0) settings.gpu_mem_limit = String(cuda.memoryBytes);
    const keys = Object.keys(settings);
    ort.call('UpdateCUDAProviderOptions', provider, keys, Object.values(settings), keys.length);
    ort.call('SessionOptionsAppendExecutionProvider_CUDA_V2', sessionOptions, provider);
  } finally {
    ort.release('ReleaseCUDAProviderOptions', provider);
  }
}

function cudaDevice(ort: OrtLibrary, session: Address, deviceId: number): Device {
  const memoryInfo = ort.create(
    'CreateMemoryInfo',
    'Cuda',
    OrtDeviceAllocator,
    deviceId,
    OrtMemTypeDefault,
  );
  return {
    name: 'cuda',
    memoryInfo,
    allocator: ort.create('CreateAllocator', session, memoryInfo),
  };
}
