/** The CUDA execution provider: its options and its memory. */
import type { Address, OrtLibrary } from './library.ts';
import { type Device, OrtDeviceAllocator, OrtMemTypeDefault } from './tensor.ts';

export interface CudaOptions {
  deviceId: number;
  /** The most bytes that ORT may take on the device; 0 for no limit. */
  memoryBytes: number;
}

/** Adds the provider to a session's options. Throws ORT's text where the CUDA library is missing. */
export function appendCuda(ort: OrtLibrary, sessionOptions: Address, cuda: CudaOptions): void {
  const settings: Record<string, string> = {
    device_id: String(cuda.deviceId),
    // The caches are large and few: growing by powers of two would waste up to half the device.
    arena_extend_strategy: 'kSameAsRequested',
  };
  if (cuda.memoryBytes > 0) settings.gpu_mem_limit = String(cuda.memoryBytes);
  const provider = ort.create('CreateCUDAProviderOptions');
  try {
    const keys = Object.keys(settings);
    ort.call('UpdateCUDAProviderOptions', provider, keys, Object.values(settings), keys.length);
    ort.call('SessionOptionsAppendExecutionProvider_CUDA_V2', sessionOptions, provider);
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
  return { name: 'cuda', memoryInfo, allocator };
}
