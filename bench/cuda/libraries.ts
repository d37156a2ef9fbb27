/** Where ONNX Runtime for CUDA lies on this machine, how a process computes with it, and whether a device is there. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { ortLibrary } from '../../gpu-backend/ort/library.ts';
import { buildFakeCuda } from './fake/build.ts';

/** What `.ci/fetch-cuda` leaves. */
export interface CudaLibraries {
  /** libonnxruntime, with its CUDA provider beside it. */
  runtime: string;
  provider: string;
  /** CUDA's headers. */
  headers: string;
  folder: string;
}

export function defaultFolder(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(cache, 'espalier-test', 'cuda');
}

/** null where they were not fetched. */
export function findCudaLibraries(folder: string): CudaLibraries | null {
  const libraries = join(folder, 'onnxruntime/capi');
  const headers = join(folder, 'nvidia/cu13/include');
  const provider = join(libraries, 'libonnxruntime_providers_cuda.so');
  if (!existsSync(provider) || !existsSync(headers)) return null;
  const runtime = readdirSync(libraries).find((name) => name.startsWith('libonnxruntime.so.1'));
  return runtime ? { runtime: join(libraries, runtime), provider, headers, folder } : null;
}

/** The environment of a process that computes on the fake runtime and writes `trace`. */
export function fakeEnvironment(found: CudaLibraries, trace: string): NodeJS.ProcessEnv {
  const fake = buildFakeCuda(found.provider, found.headers, found.folder);
  return {
    ...process.env,
    LD_LIBRARY_PATH: fake,
    ESPALIER_ORT: found.runtime,
    FAKE_CUDA_TRACE: trace,
  };
}

/** Whether this machine's driver has a device. */
export function hasDevice(): boolean {
  // ONNX Runtime configures koffi, which refuses that once it has looked for another library.
  ortLibrary();
  try {
    const driver = koffi.load('libcuda.so.1');
    const count: [number] = [0];
    const ready = driver.func('int cuInit(unsigned int)')(0) === 0;
    return ready && driver.func('int cuDeviceGetCount(_Out_ int *)')(count) === 0 && count[0] > 0;
  } catch {
    // No driver.
    return false;
  }
}
