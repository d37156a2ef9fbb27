/** The WebGPU execution provider, which ONNX Runtime's npm package has within it: its options and its memory. */
import { ortEnvironment } from './environment.ts';
import { type Address, type OrtLibrary, ortLibrary } from './library.ts';
import { type Device, OrtDeviceAllocator, OrtMemTypeDefault } from './tensor.ts';

export interface WebGpuOptions {
  /** Refuse a graph with a node that the provider has no kernel for, which would run on the CPU. */
  everyNode?: boolean;
}

const NO_CPU_NODES = 'session.disable_cpu_ep_fallback';

const REMEDY =
  'install a Vulkan driver for the GPU (on Linux libvulkan1 with the driver of its maker, or with ' +
  'mesa-vulkan-drivers of version 25), or set ESPALIER_PROVIDER=cpu (docs/deploy.md)';

/** Adds the provider to a session's options. Throws where it finds no adapter, with what to do. */
export function appendWebGpu(ort: OrtLibrary, settings: Address, options: WebGpuOptions): void {
  try {
    ort.call('SessionOptionsAppendExecutionProvider', settings, 'WebGPU', [], [], 0);
    if (options.everyNode) ort.call('AddSessionConfigEntry', settings, NO_CPU_NODES, '1');
  } catch (cause) {
    throw new Error(`WebGPU cannot be used: ${REMEDY}. ${(cause as Error).message}`, { cause });
  }
}

/** Why WebGPU can't be used on this machine; null where it can. */
export function webGpuFault(): string | null {
  const ort = ortLibrary();
  ortEnvironment();
  const settings = ort.create('CreateSessionOptions');
  try {
    appendWebGpu(ort, settings, {});
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    ort.release('ReleaseSessionOptions', settings);
  }
}

/** The device memory that `session` allocates from. Its blocks are handles: a part of one is no tensor. */
export function webGpuDevice(ort: OrtLibrary, session: Address): Device {
  const memoryInfo = ort.create(
    'CreateMemoryInfo',
    'WebGPU_Buf',
    OrtDeviceAllocator,
    0,
    OrtMemTypeDefault,
  );
  const allocator = ort.create('CreateAllocator', session, memoryInfo);
  return { name: 'webgpu', memoryInfo, allocator };
}
