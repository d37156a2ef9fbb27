/**
 * ONNX Runtime's C API, called through koffi. `OrtApi` is a table of function
 * pointers that only ever grows at its end (the header forbids reordering), so a
 * function is named by its slot. The slots used here are listed once, checked
 * against the library's version when it is loaded, and wrapped in four verbs.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';

/** Where something lives, in this process or on the device: koffi hands pointers over as bigints. */
export type Address = bigint;

/** ORT refuses with its own words; `function` is the C API's name for what was asked. */
class OrtError extends Error {
  readonly function: string;
  constructor(functionName: string, text: string) {
    super(`ONNX Runtime ${functionName}: ${text}`);
    this.name = 'OrtError';
    this.function = functionName;
  }
}

/**
 * The table's layout is settled by the API version that is asked for, so any
 * library from this release on will do; 1.29 is the first whose CUDA Attention
 * takes a mask and a length per sequence together.
 */
const MINIMUM_VERSION = [1, 29] as const;
const API_VERSION = 24;

const STATUS = 'void *';
const OUT = '_Out_ void **';

/** name → [slot in OrtApi, result, parameters]. */
const FUNCTIONS = {
  GetErrorMessage: [2, 'const char *', ['void *']],
  CreateEnv: [3, STATUS, ['int', 'const char *', OUT]],
  CreateSessionFromArray: [8, STATUS, ['void *', 'void *', 'size_t', 'void *', OUT]],
  CreateSessionOptions: [10, STATUS, [OUT]],
  EnableProfiling: [14, STATUS, ['void *', 'const char *']],
  DisableCpuMemArena: [19, STATUS, ['void *']],
  SetSessionLogSeverityLevel: [22, STATUS, ['void *', 'int']],
  SetIntraOpNumThreads: [24, STATUS, ['void *', 'int']],
  CreateRunOptions: [39, STATUS, [OUT]],
  CreateTensorAsOrtValue: [48, STATUS, ['void *', 'int64_t *', 'size_t', 'int', OUT]],
  CreateTensorWithDataAsOrtValue: [
    49,
    STATUS,
    ['void *', 'void *', 'size_t', 'int64_t *', 'size_t', 'int', OUT],
  ],
  GetTensorMutableData: [51, STATUS, ['void *', OUT]],
  CreateMemoryInfo: [68, STATUS, ['const char *', 'int', 'int', 'int', OUT]],
  CreateCpuMemoryInfo: [69, STATUS, ['int', 'int', OUT]],
  GetAllocatorWithDefaultOptions: [78, STATUS, [OUT]],
  ReleaseEnv: [92, 'void', ['void *']],
  ReleaseStatus: [93, 'void', ['void *']],
  ReleaseMemoryInfo: [94, 'void', ['void *']],
  ReleaseSession: [95, 'void', ['void *']],
  ReleaseValue: [96, 'void', ['void *']],
  ReleaseRunOptions: [97, 'void', ['void *']],
  ReleaseSessionOptions: [100, 'void', ['void *']],
  AddSessionConfigEntry: [130, STATUS, ['void *', 'const char *', 'const char *']],
  CreateAllocator: [131, STATUS, ['void *', 'void *', OUT]],
  ReleaseAllocator: [132, 'void', ['void *']],
  RunWithBinding: [133, STATUS, ['void *', 'void *', 'void *']],
  CreateIoBinding: [134, STATUS, ['void *', OUT]],
  ReleaseIoBinding: [135, 'void', ['void *']],
  BindInput: [136, STATUS, ['void *', 'const char *', 'void *']],
  BindOutput: [137, STATUS, ['void *', 'const char *', 'void *']],
  AddInitializer: [150, STATUS, ['void *', 'const char *', 'void *']],
  CreatePrepackedWeightsContainer: [166, STATUS, [OUT]],
  ReleasePrepackedWeightsContainer: [167, 'void', ['void *']],
  CreateSessionFromArrayWithPrepackedWeightsContainer: [
    169,
    STATUS,
    ['void *', 'void *', 'size_t', 'void *', 'void *', OUT],
  ],
  AddRunConfigEntry: [165, STATUS, ['void *', 'const char *', 'const char *']],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, STATUS, ['void *', 'void *']],
  CreateCUDAProviderOptions: [205, STATUS, [OUT]],
  UpdateCUDAProviderOptions: [206, STATUS, ['void *', 'str *', 'str *', 'size_t']],
  ReleaseCUDAProviderOptions: [208, 'void', ['void *']],
  SessionOptionsAppendExecutionProvider: [
    216,
    STATUS,
    ['void *', 'const char *', 'str *', 'str *', 'size_t'],
  ],
} as const;

export type OrtFunction = keyof typeof FUNCTIONS;
type Argument = Address | number | string | null | Uint8Array | BigInt64Array | readonly string[];
type Native = ReturnType<LibraryHandle['func']>;

/** ORT's kernels overflow koffi's default call stacks (1 MiB sync, 256 KiB async). */
const CALL_STACK_BYTES = 8 << 20;

export class OrtLibrary {
  readonly version: string;
  /** koffi 3 unloads a library whose handle is collected, and the next call crashes: keep it. */
  readonly handle: LibraryHandle;
  private readonly functions: Record<OrtFunction, Native>;

  constructor(path: string) {
    koffi.config({ sync_stack_size: CALL_STACK_BYTES, async_stack_size: CALL_STACK_BYTES });
    try {
      this.handle = koffi.load(path);
    } catch (cause) {
      throw new Error(
        `cannot load ONNX Runtime from ${path}: run "npm ci", or name another library in ESPALIER_ORT`,
        { cause },
      );
    }
    // struct OrtApiBase { const OrtApi *(*GetApi)(uint32_t); const char *(*GetVersionString)(); }
    const base: Address = this.handle.func('void *OrtGetApiBase()')();
    const getApi = pointerToFunction(base, 0, 'GetApi', 'void *', ['uint32_t']);
    const getVersion = pointerToFunction(base, 1, 'GetVersionString', 'const char *', []);
    this.version = String(getVersion());
    requireVersion(this.version, path);
    const table: Address | null = getApi(API_VERSION);
    if (!table) throw new Error(`ONNX Runtime ${this.version} has no API version ${API_VERSION}`);
    const entries = Object.entries(FUNCTIONS).map(([name, [slot, result, parameters]]) => [
      name,
      pointerToFunction(table, slot, name, result, [...parameters]),
    ]);
    this.functions = Object.fromEntries(entries) as Record<OrtFunction, Native>;
    this.checkTable();
  }

  /** Calls a function whose last parameter receives what it makes. */
  create(name: OrtFunction, ...args: Argument[]): Address {
    const out: [Address | null] = [null];
    this.check(name, this.functions[name](...args, out));
    if (out[0] === null) throw new OrtError(name, 'returned nothing');
    return out[0];
  }

  /** `create` on one of libuv's threads. */
  async createAsync(name: OrtFunction, ...args: Argument[]): Promise<Address> {
    const out: [Address | null] = [null];
    await this.invokeAsync(name, [...args, out]);
    if (out[0] === null) throw new OrtError(name, 'returned nothing');
    return out[0];
  }

  call(name: OrtFunction, ...args: Argument[]): void {
    this.check(name, this.functions[name](...args));
  }

  /** Runs on one of libuv's threads; the event loop continues. */
  callAsync(name: OrtFunction, ...args: Argument[]): Promise<void> {
    return this.invokeAsync(name, args);
  }

  release(name: OrtFunction & `Release${string}`, address: Address): void {
    this.functions[name](address);
  }

  private invokeAsync(name: OrtFunction, args: readonly unknown[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.functions[name].async(...args, (error: unknown, status: Address | null) => {
        try {
          if (error) throw error;
          this.check(name, status);
          resolve();
        } catch (failure) {
          reject(failure);
        }
      });
    });
  }

  private check(name: OrtFunction, status: Address | null): void {
    if (!status) return;
    const text = String(this.functions.GetErrorMessage(status));
    this.functions.ReleaseStatus(status);
    throw new OrtError(name, text);
  }

  /** A shifted table would crash later and elsewhere; a call whose answer is known finds out now. */
  private checkTable(): void {
    const info = this.create('CreateCpuMemoryInfo', 0, 0);
    this.release('ReleaseMemoryInfo', info);
    const options = this.create('CreateSessionOptions');
    try {
      this.call('AddSessionConfigEntry', options, '', 'probe');
    } catch (error) {
      if (error instanceof OrtError && /empty/i.test(error.message)) return;
      throw error;
    } finally {
      this.release('ReleaseSessionOptions', options);
    }
    throw new Error(`ONNX Runtime ${this.version} has another function table than expected`);
  }
}

function pointerToFunction(
  table: Address,
  slot: number,
  name: string,
  result: string,
  parameters: string[],
): Native {
  const address: Address = koffi.decode(table, slot * koffi.sizeof('void *'), 'void *');
  return koffi.decode(address, koffi.proto(name, result, parameters));
}

function requireVersion(version: string, path: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor, needMinor] = MINIMUM_VERSION;
  if (major !== needMajor || minor < needMinor) {
    throw new Error(
      `${path} is ONNX Runtime ${version}; ${MINIMUM_VERSION.join('.')} or later of major ${needMajor} is needed`,
    );
  }
}

/** The library inside the onnxruntime-node package, or the one that `ESPALIER_ORT` names. */
export function libraryPath(): string {
  if (process.env.ESPALIER_ORT) return process.env.ESPALIER_ORT;
  const file = {
    linux: 'libonnxruntime.so.1',
    darwin: 'libonnxruntime.1.dylib',
    win32: 'onnxruntime.dll',
  }[process.platform as string];
  if (!file) throw new Error(`no ONNX Runtime library for ${process.platform}`);
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch, file);
}

let loaded: OrtLibrary | undefined;

/** The library, loaded once: its environment and thread pools are shared by the whole process. */
export function ortLibrary(): OrtLibrary {
  loaded ??= new OrtLibrary(libraryPath());
  return loaded;
}
