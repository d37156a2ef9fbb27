/** The CUDA execution provider: its options and its memory. */
import type { Address, OrtLibrary } from './library.ts';
import {
  cpuDevice,
  type Device,
  OrtDeviceAllocator,
  OrtMemTypeCpuOutput,
  OrtMemTypeDefault,
} from './tensor.ts';

export interface CudaOptions {
  deviceId: number;
  /** The most bytes that ORT may take on the device; 0 for no limit. */
  memoryBytes: number;
  /** Refuse a graph with a node that the provider has no kernel for, which would run on the CPU. */
  everyNode?: boolean;
}

const NO_CPU_NODES = 'session.disable_cpu_ep_fallback';

const REMEDY =
  'run the image of gpu-backend/Dockerfile, or install CUDA 13 and name the library of the ' +
  'Python package onnxruntime-gpu in ESPALIER_ORT (docs/deploy.md), or set ESPALIER_PROVIDER=cpu';

/**
 * Options of ORT's CUDA provider, by its own names.
 * @param graphs runs may be captured as CUDA graphs, which ORT replays at the addresses and shapes of their capture
 */
export function cudaProviderOptions(cuda: CudaOptions, graphs = false): Record<string, string> {
  return {
    device_id: String(cuda.deviceId),
    // The caches are large and few: growing by powers of two would waste up to half the device.
    arena_extend_strategy: 'kSameAsRequested',
    enable_cuda_graph: graphs ? '1' : '0',
    ...(cuda.memoryBytes > 0 && { gpu_mem_limit: String(cuda.memoryBytes) }),
  };
}

/** Adds the provider to a session's options. Throws where its library or CUDA's are missing, with ORT's text. */
export function appendCuda(
  ort: OrtLibrary,
  sessionOptions: Address,
  cuda: CudaOptions,
  graphs: boolean,
): void {
  const settings = cudaProviderOptions(cuda, graphs);
  const provider = ort.create('CreateCUDAProviderOptions');
  try {
    const keys = Object.keys(settings);
    ort.call('UpdateCUDAProviderOptions', provider, keys, Object.values(settings), keys.length);
    ort.call('SessionOptionsAppendExecutionProvider_CUDA_V2', sessionOptions, provider);
    if (cuda.everyNode) ort.call('AddSessionConfigEntry', sessionOptions, NO_CPU_NODES, '1');
  } catch (cause) {
    throw new Error(`CUDA cannot be used: ${REMEDY}. ${(cause as Error).message}`, { cause });
  } finally {
    ort.release('ReleaseCUDAProviderOptions', provider);
  }
}

/** The device memory that `session` allocates from. */
export function cudaDevice(ort: OrtLibrary, session: Address, deviceId: number): Device {
  const memoryInfo = ort.create(
    'CreateMemoryInfo',
    'Cuda',
    OrtDeviceAllocator,
    deviceId,
    OrtMemTypeDefault,
  );
  const allocator = ort.create('CreateAllocator', session, memoryInfo);
  return { name: 'cuda', memoryInfo, allocator, host: pinnedMemory(ort, session, deviceId) };
}

/**
 * Memory of the host that the driver keeps in place. Tensors over it are described as plain host
 * memory: ORT 1.30 fails on outputs that are bound as pinned.
 */
function pinnedMemory(ort: OrtLibrary, session: Address, deviceId: number): Device {
  const info = ort.create(
    'CreateMemoryInfo',
    'CudaPinned',
    OrtDeviceAllocator,
    deviceId,
    OrtMemTypeCpuOutput,
  );
  try {
    const allocator = ort.create('CreateAllocator', session, info);
    return { name: 'cpu', memoryInfo: cpuDevice().memoryInfo, allocator };
  } finally {
    ort.release('ReleaseMemoryInfo', info);
  }
}
