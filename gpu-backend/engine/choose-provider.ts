/** Where to compute, where that is left to the machine: on CUDA, on WebGPU where it is quicker, else on the CPU. */
import { join } from 'node:path';
import { columns8Fault } from '../builder/linear/columns8.ts';
import type { ModelFolder } from '../builder/model-folder.ts';
import type { Quantization } from '../builder/quantization.ts';
import { webGpuFault } from '../ort/webgpu.ts';
import { DeviceMemory } from './device-memory.ts';
import type { ProviderChoice } from './engine.ts';
import { kept, machineKey } from './kept.ts';
import { type EngineOptions, openEngine } from './open.ts';
import type { OrtEngine } from './ort-engine.ts';

/** A plain step and one with a tree. */
const TIMED_ROWS = [1, 16] as const;
/** The first of each is left out: it compiles. */
const ROUNDS = 5;
const CONTEXT = 256;
/** Hex digits of a model's fingerprint in a file's name. */
const NAME_DIGITS = 16;

/**
 * What this machine has: of CUDA, WebGPU and the CPU the first that can be used.
 * @param say is told why one can't
 */
export async function findProvider(
  { cuda, threads = 1 }: EngineOptions,
  say: (line: string) => void,
): Promise<ProviderChoice> {
  const noCuda = await cudaFault({ cuda, threads });
  if (noCuda === null) return { name: 'cuda', why: 'auto: CUDA can be used' };
  say(noCuda);
  const noWebGpu = webGpuFault();
  if (noWebGpu === null) return { name: 'webgpu', why: 'auto: CUDA cannot be used' };
  say(noWebGpu);
  return { name: 'cpu', why: 'auto: neither CUDA nor WebGPU can be used' };
}

/** What was found, or the CPU where that has no kernels for the form that the model is stored in. */
export function servedOn(found: ProviderChoice, form: Quantization): ProviderChoice {
  // WebGPU is tried with the whole model.
  if (form !== 'int8' || found.name !== 'cuda') return found;
  const fault = columns8Fault(found.name);
  return fault ? { name: 'cpu', why: `auto: ${fault.message}` } : found;
}

/** What is asked of an engine whose provider is left to the machine, on one: the type is asked of GPUs. */
export function settingsOn(provider: ProviderChoice['name'], asked: EngineOptions): EngineOptions {
  return { ...asked, provider, compute: provider === 'cpu' ? undefined : asked.compute };
}

async function cudaFault(options: { cuda: EngineOptions['cuda']; threads: number }) {
  try {
    const { cuda = { deviceId: 0, memoryBytes: 0 }, threads } = options;
    (await DeviceMemory.open({ threads, cuda })).release();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Whether WebGPU runs the model quicker than the CPU, found out by a few steps of both when it is
 * first opened on this machine. A model that WebGPU can't run is left to the CPU.
 */
export async function webGpuOrCpu(
  { path, manifest }: ModelFolder,
  cacheFolder: string,
  options: EngineOptions,
): Promise<ProviderChoice> {
  const form = ['provider', ...(options.compute === 'float16' ? ['float16'] : [])].join(' ');
  const machine = machineKey('auto', options.threads ?? 0, form);
  const name = manifest.fingerprints.model.slice(0, NAME_DIGITS);
  try {
    return await kept(join(cacheFolder, `provider-${name}.json`), machine, () =>
      quickerOf(path, options),
    );
  } catch (error) {
    return { name: 'cpu', why: `auto: ${(error as Error).message}` };
  }
}

async function quickerOf(path: string, options: EngineOptions): Promise<ProviderChoice> {
  const onGpu = await stepTime(path, settingsOn('webgpu', options));
  const onCpu = await stepTime(path, settingsOn('cpu', options));
  const [gpu, cpu] = [onGpu, onCpu].map((time) => `${time.toFixed(1)} ms`);
  const steps = `steps of ${TIMED_ROWS.join(' and ')} rows took ${gpu} on WebGPU and ${cpu} on the CPU`;
  return { name: onGpu < onCpu ? 'webgpu' : 'cpu', why: `auto: ${steps}` };
}

/** Milliseconds of the timed steps together, each its median. */
async function stepTime(path: string, options: EngineOptions): Promise<number> {
  const engine = await openEngine(path, { ...options, slots: 1, maxContext: CONTEXT });
  try {
    let sum = 0;
    for (const rows of TIMED_ROWS) sum += await medianRun(engine, rows);
    return sum;
  } finally {
    engine.close();
  }
}

async function medianRun(engine: OrtEngine, rows: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = engine.spent.milliseconds;
    await engine.probe(rows);
    if (round > 0) times.push(engine.spent.milliseconds - before);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}
