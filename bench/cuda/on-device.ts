/**
 * What a pack runs on a machine with a GPU, in one go: random models made on the spot, small ones
 * against the CPU, and the shape of 8 billion parameters against its memory, in float16 and int4.
 * The results are written after each, so that a run that is cut short leaves what it found.
 *
 *   node on-device.js RESULTS.json [--provider cpu|cuda] [--try]
 *
 * `--try` goes the same way with little effort and few layers: its numbers mean nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openPrepared } from '../../gpu-backend/engine/open.ts';
import { machine } from '../engine/setup.ts';
import { type Measurement, measurementFaults, measureOn, NO_EFFORT } from './measure.ts';
import { EIGHT_BILLION, randomModel, SMALL } from './random-model.ts';

/** What has not begun after so long is left out: the run ends within eight minutes, as a borrowed machine is lent for minutes. */
const LAST_START_MS = 330_000;
const TRIED_LAYERS = 1;
const TRIED_VOCABULARY = 4096;

interface Case {
  shape: 'small' | '8b';
  quantization: 'none' | 'int4';
  /** What is tried beside the defaults. */
  variant?: keyof typeof VARIANTS;
}

/** Settings that only a GPU can show to pay. ONNX Runtime reads its environment when a graph is loaded. */
const VARIANTS = {
  replayed: { options: { cudaGraphs: true }, environment: {} },
  'unfused attention': {
    options: {},
    environment: { ORT_DISABLE_MEMORY_EFFICIENT_ATTENTION: '1' },
  },
} as const;

interface Finding extends Case {
  seconds: number;
  /** Of a run that came to its end. */
  measurement?: Measurement;
  faults: string[];
}

const NO_VARIANT = { options: {}, environment: {} };

const CASES: readonly Case[] = [
  { shape: 'small', quantization: 'none' },
  { shape: 'small', quantization: 'int4' },
  { shape: 'small', quantization: 'none', variant: 'replayed' },
  { shape: '8b', quantization: 'int4' },
  { shape: '8b', quantization: 'none' },
  { shape: '8b', quantization: 'int4', variant: 'replayed' },
  { shape: '8b', quantization: 'int4', variant: 'unfused attention' },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    provider: { type: 'string', default: 'cuda' },
    try: { type: 'boolean', default: false },
  },
});
const [file = 'cuda.json'] = positionals;
const provider = values.provider === 'cpu' ? 'cpu' : 'cuda';
const started = performance.now();
const findings: Finding[] = [];
for (const one of CASES) {
  findings.push(await find(one));
  const results = { machine: machine(), gpu: gpu(), provider, tried: values.try, findings };
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}
if (findings.some(({ faults }) => faults.length > 0)) process.exitCode = 1;

async function find(one: Case): Promise<Finding> {
  const begun = performance.now();
  const left = begun - started > LAST_START_MS;
  const result = left ? { faults: ['there was no time left for it'] } : await outcome(one);
  const finding = { ...one, seconds: (performance.now() - begun) / 1000, ...result };
  console.log(JSON.stringify({ ...one, seconds: finding.seconds, faults: finding.faults }));
  return finding;
}

async function outcome({ shape, quantization, variant }: Case) {
  const { options: own, environment } = variant ? VARIANTS[variant] : NO_VARIANT;
  Object.assign(process.env, environment);
  const folder = mkdtempSync(join(tmpdir(), 'espalier-random-'));
  const wanted = shape === 'small' ? SMALL : EIGHT_BILLION;
  const few = { layers: TRIED_LAYERS, vocabSize: TRIED_VOCABULARY };
  const made = (compute: 'float32' | 'float16') =>
    randomModel(
      join(folder, compute),
      values.try ? { ...wanted, ...few } : wanted,
      compute,
      quantization,
    );
  try {
    const compute = provider === 'cuda' ? 'float16' : 'float32';
    const measurement = await measureOn(
      quantization,
      provider,
      (options) => openPrepared(made(compute), { ...options, ...own }),
      shape === 'small' ? (options) => openPrepared(made('float32'), options) : null,
      values.try ? NO_EFFORT : undefined,
    );
    return { measurement, faults: measurementFaults(measurement) };
  } catch (error) {
    return { faults: [(error as Error).message] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const name of Object.keys(environment)) delete process.env[name];
  }
}

/** The card, its driver and its memory, where nvidia-smi tells. */
function gpu(): string | null {
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
