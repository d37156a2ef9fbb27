/** The engine's settings as a process gets them: from its environment. */
import type { EngineOptions } from './open.ts';

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;

const PROVIDERS = ['cpu', 'cuda', 'webgpu'] as const;
const CHOICES = 'cpu, cuda, webgpu or auto';
const TYPES = ['float32', 'float16'] as const;

export interface EngineSettings extends EngineOptions {
  /** The provider is to be chosen by what this machine has, as `chooseProvider` does; till then it is the CPU. */
  auto?: boolean;
}

/** Throws an Error that names the variable and what it may be. */
export function readEngineSettings(
  environment: Readonly<Record<string, string | undefined>>,
): EngineSettings {
  const positive = (name: string): number | undefined => {
    const value = environment[name];
    if (!value) return undefined;
    if (!/^[1-9]\d{0,8}$/.test(value)) throw wrong(name, value, 'a positive whole number');
    return Number(value);
  };
  const asked = environment.ESPALIER_PROVIDER || 'cpu';
  const auto = asked === 'auto';
  const provider = PROVIDERS.find((name) => name === (auto ? 'cpu' : asked));
  if (!provider) throw wrong('ESPALIER_PROVIDER', asked, CHOICES);
  const device = environment.ESPALIER_CUDA_DEVICE || '0';
  if (!/^\d{1,3}$/.test(device)) throw wrong('ESPALIER_CUDA_DEVICE', device, 'a device number');
  const type = environment.ESPALIER_TYPE;
  const compute = TYPES.find((name) => name === type);
  if (type && !compute) throw wrong('ESPALIER_TYPE', type, TYPES.join(' or '));
  if (compute === 'float16' && asked === 'cpu') {
    throw wrong(
      'ESPALIER_TYPE',
      compute,
      'float32 on a CPU: set ESPALIER_PROVIDER to cuda, webgpu or auto',
    );
  }
  const deviceMemory = bytes('ESPALIER_CUDA_MEMORY', environment.ESPALIER_CUDA_MEMORY) ?? 0;
  return {
    provider,
    ...(auto ? { auto } : {}),
    ...(provider === 'cuda' || auto
      ? {
          cuda: { deviceId: Number(device), memoryBytes: deviceMemory },
          cudaGraphs: flag('ESPALIER_CUDA_GRAPHS', environment.ESPALIER_CUDA_GRAPHS),
        }
      : {}),
    compute,
    threads: positive('ESPALIER_THREADS'),
    slots: positive('ESPALIER_SLOTS'),
    maxContext: positive('ESPALIER_MAX_CONTEXT'),
    memoryBytes: bytes('ESPALIER_KV_MEMORY', environment.ESPALIER_KV_MEMORY),
  };
}

/** The same for the drafter beside the engine: on ESPALIER_DRAFT_PROVIDER, or else on the engine's `provider`. */
export function readDraftSettings(
  environment: Readonly<Record<string, string | undefined>>,
  engineProvider?: EngineOptions['provider'],
): EngineOptions {
  const asked = environment.ESPALIER_DRAFT_PROVIDER;
  const provider = asked || engineProvider;
  if (!provider) return readEngineSettings(environment);
  if (!PROVIDERS.some((name) => name === provider)) {
    throw wrong('ESPALIER_DRAFT_PROVIDER', provider, PROVIDERS.join(', '));
  }
  // A GPU's type is no CPU's.
  const type = provider === 'cpu' ? undefined : environment.ESPALIER_TYPE;
  return readEngineSettings({
    ...environment,
    ESPALIER_PROVIDER: provider,
    ESPALIER_TYPE: type,
  });
}

function flag(name: string, value: string | undefined): boolean | undefined {
  if (!value) return undefined;
  if (value !== 'true' && value !== 'false') throw wrong(name, value, 'true or false');
  return value === 'true';
}

function bytes(name: string, value: string | undefined): number | undefined {
  if (!value) return undefined;
  const [, digits, unit] = /^([1-9]\d{0,14})([KMG]?)$/.exec(value) ?? [];
  if (!digits) throw wrong(name, value, 'a number of bytes, like 500M or 24G');
  return Number(digits) * UNITS[unit as keyof typeof UNITS];
}

function wrong(name: string, value: string, expected: string): Error {
  return new Error(`${name} is "${value}"; it must be ${expected}`);
}
