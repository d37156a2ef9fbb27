/**
 * What can be known about the CUDA provider without a GPU: with a runtime that has no device,
 * that every node has a kernel there, what a step costs in calls, and that an engine opens,
 * steps, commits and closes. Takes ONNX Runtime's CUDA build, which `.ci/fetch-cuda` fetches.
 *
 *   npm run -s check:cuda [-- --short] [-- --json] [-- --libraries FOLDER]
 *
 * Ends with 1 where something is not as it should be, and with 0 where the libraries are missing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultFolder, findCudaLibraries } from './cuda/libraries.ts';
import {
  allConfigurations,
  describe,
  fewConfigurations,
  type Placement,
  place,
} from './cuda/placement.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    libraries: { type: 'string', default: defaultFolder() },
  },
});

const found = findCudaLibraries(values.libraries);
if (found) await check(found);
else console.log(`check:cuda skipped: no ONNX Runtime for CUDA in ${values.libraries}`);

async function check(libraries: NonNullable<typeof found>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-cuda-'));
  const placements: Placement[] = [];
  try {
    for (const configuration of values.short ? fewConfigurations() : allConfigurations()) {
      const placement = await place(configuration, libraries, folder);
      placements.push(placement);
      if (!values.json) report(placement);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (values.json) console.log(JSON.stringify(placements, null, 1));
  if (placements.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

function report(placement: Placement): void {
  const { launches, uploads, faults } = placement;
  const result =
    faults.length === 0
      ? `every node on CUDA, a step of 16 rows ${launches} launches, ${uploads} copies to the device`
      : faults.join('\n  ');
  console.log(`${describe(placement)}: ${result}`);
}
