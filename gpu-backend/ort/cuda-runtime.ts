/**
 * CUDA's runtime, which ONNX Runtime's provider has brought into the process: it copies to and
 * from places that stay, where ONNX Runtime would allocate new ones.
 */
import koffi, { type LibraryHandle } from 'koffi';
import type { Address } from './library.ts';

/** A run of bytes from one place to another, of the host or the device. */
export interface Copy {
  to: Address;
  from: Address;
  bytes: number;
}

/** The major that the provider is linked to (docs/deploy.md). */
const NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'libcudart.so.13',
  win32: 'cudart64_13.dll',
};
/** cudaMemcpyDefault: the addresses say which way. */
const BY_ADDRESSES = 4;

export class CudaRuntime {
  /** koffi unloads a library whose handle is collected. */
  private readonly library: LibraryHandle;
  private readonly memcpy: ReturnType<LibraryHandle['func']>;
  private readonly errorString: ReturnType<LibraryHandle['func']>;

  /** For the calling thread, on device `deviceId`. */
  constructor(deviceId: number) {
    const name = NAMES[process.platform];
    if (!name) throw new Error(`no CUDA runtime is known for ${process.platform}`);
    this.library = koffi.load(name);
    this.errorString = this.library.func('const char *cudaGetErrorString(int)');
    this.memcpy = this.library.func('int cudaMemcpy(void *, void *, size_t, int)');
    this.check(this.library.func('int cudaSetDevice(int)')(deviceId), 'cudaSetDevice');
  }

  /** Returns when the bytes have arrived. */
  copy({ to, from, bytes }: Copy): void {
    this.check(this.memcpy(to, from, bytes, BY_ADDRESSES), 'cudaMemcpy');
  }

  private check(status: number, name: string): void {
    if (status !== 0) throw new Error(`CUDA ${name}: ${this.errorString(status)}`);
  }
}
