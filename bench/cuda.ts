/**
 * The CUDA provider, first without a GPU: on a runtime that has no device, that every node has
 * a kernel, what a step costs in calls, and that an engine opens, steps, commits and closes.
 * Takes ONNX Runtime's CUDA build, which `.ci/fetch-cuda` fetches. Where a GPU is, or a device
 * is named, the command goes on: logits against the CPU's, steps against the time that memory
 * takes, tokens a second, and what ten thousand steps leave.
 *
 *   npm run -s check:cuda [-- --short] [-- --json] [-- --libraries FOLDER] [-- --model FOLDER]
 *     [-- --measure cpu|cuda] [-- --replayed] [-- --pack FILE]
 *
 * Ends with 1 where something is not as it should be, and with 0 where the libraries are missing.
 * `--measure cpu` tries the measurement itself; with `--replayed` steps are captured and replayed.
 * `--pack FILE` does nothing else but make one archive for one run on a machine with a GPU, and try
 * it on the runtime without one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../local/root.ts';
import {
  type CudaLibraries,
  defaultFolder,
  findCudaLibraries,
  hasDevice,
} from './cuda/libraries.ts';
import { type Measurement, measure, measurementFaults } from './cuda/measure.ts';
import { packRun } from './cuda/pack/pack.ts';
import {
  allConfigurations,
  describe,
  fewConfigurations,
  type Placement,
  place,
} from './cuda/placement.ts';
import { machine } from './engine/setup.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    libraries: { type: 'string', default: defaultFolder() },
    replayed: { type: 'boolean', default: false },
    measure: {
      type: 'string',
      default: !process.argv.includes('--short') && hasDevice() ? 'cuda' : '',
    },
    model: { type: 'string', default: join(ROOT, 'models/target') },
    pack: { type: 'string' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'espalier-cuda-'));
const say = (line: string) => {
  if (!values.json) console.log(line);
};
try {
  const found = findCudaLibraries(values.libraries);
  if (!found) say(`check:cuda skipped: no ONNX Runtime for CUDA in ${values.libraries}`);
  if (!values.pack) await check(found);
  else if (found) pack(values.pack, found);
  else process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function check(found: CudaLibraries | null): Promise<void> {
  const placements = found ? await placeAll(found) : [];
  const measurements = await measureAll();
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), placements, measurements }, null, 1));
  }
  const faults = [
    ...placements.flatMap((placement) => placement.faults),
    ...measurements.flatMap(measurementFaults),
  ];
  if (faults.length > 0) process.exitCode = 1;
}

function pack(file: string, found: CudaLibraries): void {
  const { bytes, kernels } = packRun(file, found);
  const megabytes = (count: number) => (count / 1e6).toFixed(1);
  say(
    `${file}: ${megabytes(bytes)} MB, with ${megabytes(kernels.bytes)} MB of the provider's device code; ` +
      'it ran to its end on the runtime without a device',
  );
  say(`on a machine with a GPU: tar xf ${basename(file)} && ./espalier-cuda/run.sh cuda.json`);
}

async function placeAll(libraries: CudaLibraries): Promise<Placement[]> {
  const placements: Placement[] = [];
  for (const configuration of values.short ? fewConfigurations() : allConfigurations()) {
    const placement = await place(configuration, libraries, folder);
    placements.push(placement);
    const { launches, products, uploads, replayed, faults } = placement;
    const launched = replayed
      ? `${launches} graph`
      : `${launches} kernels and ${products} products`;
    const calls = `every node on CUDA, a step of 16 rows ${launched}, ${uploads} copies to the device`;
    say(`${describe(configuration)}: ${faults.length === 0 ? calls : faults.join('\n  ')}`);
  }
  return placements;
}

async function measureAll(): Promise<Measurement[]> {
  const { measure: provider, model } = values;
  const measurements: Measurement[] = [];
  if (provider === '') return measurements;
  if (provider !== 'cpu' && provider !== 'cuda') throw new Error('--measure is cpu or cuda');
  for (const quantization of ['none', 'int4'] as const) {
    const found = await measure({
      model,
      provider,
      quantization,
      cacheFolder: join(folder, 'cache'),
      replayed: values.replayed,
    });
    measurements.push(found);
    const { agreement, gigabytesPerSecond, leak, bits } = found;
    if (agreement && leak) {
      say(
        `${quantization} on ${provider}: ${agreement.sameToken} of ${agreement.rows} rows agree with the CPU, logits within ${agreement.largestDifference.toFixed(4)}; ` +
          `memory ${gigabytesPerSecond.toFixed(0)} GB/s; ${leak.steps} steps left ${leak.residentBytes} bytes`,
      );
    }
    say(
      `of ${bits.rows} rows the same bits: ${bits.inBucket} in a longer tree, ${bits.inCompany} beside another session, ${bits.alone} fed one by one`,
    );
    if (!values.json) {
      console.table(found.steps.map(rounded));
      console.table(found.throughput.map(rounded));
    }
    for (const fault of measurementFaults(found)) say(`  ${fault}`);
  }
  return measurements;
}

/** Numbers as a table shows them. */
function rounded(cells: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(cells).map(([name, value]) => [name, Number(Number(value).toFixed(3))]),
  );
}
