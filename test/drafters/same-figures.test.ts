/** A simulated row of bench:drafters has the same figures in every run, whatever rows run beside it. */
import { expect, test } from 'vitest';
import { measure } from '../../bench/drafters/measure.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { fusionTensors, trainedFile } from '../engine/trained-file.ts';

const ROW = 'L+A+feature';
/** Long enough for the engine to find it in its cache. */
const BEGINNING = Array.from({ length: 24 }, (_, i) => (i * 31) % 96);
const PROMPTS = Array.from({ length: 6 }, (_, k) =>
  Int32Array.from([...BEGINNING, ...Array.from({ length: 16 }, (_, i) => (i * (k + 5)) % 96)]),
);

test.each([0, 0.8])('at temperature %d', async (temperature) => {
  const cacheFolder = temporaryFolder();
  const settings = { slots: 2, maxContext: 160, threads: 1, hiddenOutput: true, cacheFolder };
  const engine = await openEngine(SMALL, settings);
  const bench = {
    target: readModelFolder(SMALL),
    engine,
    settings: { threads: 1 },
    add: { cacheFolder, compute: 'float32' as const, quantization: undefined },
    names: [trainedFile(cacheFolder, { kind: 'feature' }, fusionTensors())],
  };
  const figures = async (rows: string[]) => {
    const asked = {
      rows,
      tokens: 24,
      stopIds: new Set<number>(),
      simulate: true,
    };
    const { draftMs, ...simulated } = (await measure(bench, PROMPTS, temperature, asked))[ROW]!;
    expect(draftMs).toBeGreaterThan(0);
    return simulated;
  };
  const alone = await figures([ROW]);
  expect(await figures([ROW])).toEqual(alone);
  expect(await figures(['L+A', ROW])).toEqual(alone);
  expect(await figures(['L', 'L+A', ROW])).toEqual(alone);
  engine.close();
});
