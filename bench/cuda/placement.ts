/** Models in several formats on the fake runtime, each in a process of its own. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Quantization } from '../../gpu-backend/builder/quantization.ts';
import type { ComputeType } from '../../gpu-backend/builder/tensor-reader.ts';
import { ROOT } from '../../local/root.ts';
import { type CudaLibraries, fakeEnvironment } from './libraries.ts';
import {
  captureFaults,
  commitFaults,
  readFaults,
  refusalFaults,
  replayFaults,
  sharingFaults,
  stepFaults,
  unpackFaults,
} from './limits.ts';
import type { Probed, ProbeOptions } from './probe.ts';
import { type PartCost, readTrace } from './trace.ts';

export interface Configuration {
  model: string;
  compute: ComputeType;
  quantization: Quantization;
  /** Steps are captured and replayed. */
  replayed: boolean;
}

export interface Placement extends Configuration {
  /** Of a step of one session. */
  launches: number;
  products: number;
  uploads: number;
  faults: string[];
}

const BUNDLED = join(ROOT, 'models/target');
const FIXTURES = join(ROOT, 'test/engine/fixtures');
const MODELS = [
  BUNDLED,
  ...[
    'llama-biased-tied-f32',
    'llama3-rope-sharded-f32',
    'mistral-f16',
    'qwen2-bias-tied-bf16',
    'qwen3-qknorm-sharded-bf16',
  ].map((name) => join(FIXTURES, name)),
];
/** int8 is a form for CPUs: it is refused in float16. */
const QUANTIZATIONS = ['none', 'int4'] as const;
const ROWS = 16;
/** Of the last lines of a probe that failed. */
const SHOWN_CHARACTERS = 600;

export function allConfigurations(): Configuration[] {
  return MODELS.flatMap((model) =>
    (['float16', 'float32'] as const).flatMap((compute) =>
      QUANTIZATIONS.flatMap((quantization) =>
        [false, true].map((replayed) => ({ model, compute, quantization, replayed })),
      ),
    ),
  );
}

/** One of each kind of layer, as it is served. */
export function fewConfigurations(): Configuration[] {
  const common = { compute: 'float16', replayed: false } as const;
  return [
    { ...common, model: BUNDLED, quantization: 'int4' },
    { ...common, model: BUNDLED, quantization: 'int4', replayed: true },
    { ...common, model: MODELS.at(-2)!, quantization: 'none' },
    { ...common, model: MODELS.at(-1)!, quantization: 'none' },
  ];
}

/** `folder` takes converted weights and the trace. */
export async function place(
  configuration: Configuration,
  found: CudaLibraries,
  folder: string,
): Promise<Placement> {
  const trace = join(folder, 'trace');
  const options: ProbeOptions = {
    ...configuration,
    cacheFolder: join(folder, 'cache'),
    rows: ROWS,
  };
  const probed = await probe(options, fakeEnvironment(found, trace));
  const parts = readTrace(existsSync(trace) ? readFileSync(trace, 'utf8') : '');
  const { launches = 0, products = 0, uploads = 0 } = parts.get('step of 1') ?? {};
  const faults =
    typeof probed === 'string'
      ? [probed]
      : configuration.replayed
        ? replayedFaults(parts, probed)
        : faultsOf(parts, probed);
  return { ...configuration, launches, products, uploads, faults };
}

function faultsOf(parts: ReadonlyMap<string, PartCost>, probed: Probed): string[] {
  const { layers, layerCalls, matrixBytes } = probed;
  return [
    ...commonFaults(parts, probed),
    ...[1, 2].flatMap((sessions) => {
      const name = `step of ${sessions}`;
      return stepFaults(name, parts.get(name)!, { layers, layerCalls, sessions });
    }),
    ...commitFaults(parts.get('step after commits')!, 2),
    ...sharingFaults(parts.get('second graph')!, matrixBytes),
  ];
}

function replayedFaults(parts: ReadonlyMap<string, PartCost>, probed: Probed): string[] {
  return [
    ...commonFaults(parts, probed),
    ...captureFaults(parts.get('first steps of 1')!),
    ...refusalFaults(
      parts.get('steps with a refused capture')!,
      parts.get('steps of another shape')!,
      probed.layers,
    ),
    ...['step of 1', 'step of 2'].flatMap((name) => replayFaults(name, parts.get(name)!)),
    ...commitFaults(parts.get('step after commits')!, 2),
  ];
}

function commonFaults(
  parts: ReadonlyMap<string, PartCost>,
  { vocabSize, stale, misplaced }: Probed,
): string[] {
  return [
    ...['a row of 1', 'a row of 2'].flatMap((name) => readFaults(parts.get(name)!, vocabSize)),
    ...stale.map((name) => `the ${name} of another step were read`),
    ...misplaced.map((name) => `${name} lies on the device otherwise than in host memory`),
    ...['step of 1', 'step around an idle slot'].flatMap((name) =>
      unpackFaults(name, parts.get(name)!),
    ),
  ];
}

/** What was probed, or why not: the process must come to its end. */
async function probe(options: ProbeOptions, env: NodeJS.ProcessEnv): Promise<Probed | string> {
  const script = join(import.meta.dirname, 'probe.ts');
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', script, JSON.stringify(options)],
      { env, cwd: ROOT },
    );
    return JSON.parse(stdout) as Probed;
  } catch (error) {
    const {
      code,
      signal,
      stderr = '',
    } = error as { code?: number; signal?: string; stderr?: string };
    return `ended with ${signal ?? code}: ${stderr.trim().slice(0, SHOWN_CHARACTERS)}`;
  }
}

export function describe({ model, compute, quantization, replayed }: Configuration): string {
  return `${basename(model)} ${compute} ${quantization}${replayed ? ', replayed' : ''}`;
}
