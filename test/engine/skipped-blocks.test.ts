/** A file that names blocks of the target gives a draft without them, or says what is wrong with it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import { skippedBlocks } from '../../gpu-backend/builder/skipped-blocks.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { openNetworks, readsHidden } from '../../gpu-backend/open-drafters.ts';
import { SMALL, temporaryFolder } from './models.ts';
import { skipFile } from './trained-file.ts';

const cacheFolder = temporaryFolder();
const OPTIONS = { slots: 1, maxContext: 64, threads: 1, cacheFolder };

describe('a file of blocks to leave out', () => {
  let target: OrtEngine;
  beforeAll(async () => {
    target = await openEngine(SMALL, OPTIONS);
  });
  afterAll(() => target?.close());

  const read = (without: string, notes: Record<string, string> = {}) =>
    skippedBlocks(target.parts.prepared, skipFile(cacheFolder, SMALL, { without, ...notes }));

  it('gives the others in order, on the weights of the model', () => {
    const part = read('1a 0m');
    expect(part.blocks).toEqual([
      { kind: 'attention', layer: 0 },
      { kind: 'mlp', layer: 1 },
    ]);
    expect(part.layout).toBe(target.parts.prepared.layout);
    expect(part).toMatchObject({ vocabulary: null, features: false });
  });

  it.each([
    ['', /"" in `without` names no block; "7a" is the attention of layer 7/],
    ['0', /"0" in `without` names no block/],
    ['0A', /names no block/],
    ['01a', /names no block/],
    ['-1a', /names no block/],
    ['0a,1m', /names no block/],
    ['0m  1m', /"" in `without` names no block/],
    ['1'.repeat(1e5), /"1{20}" in `without` names no block/],
    ['2m', /leaves out "2m", and the model's last layer is 1/],
    ['999999a', /the model's last layer is 1/],
    ['0m 1m 0m', /leaves out "0m" twice/],
    ['0m '.repeat(1e5), /leaves out "0m" twice/],
    ['0a 1a', /leaves out every attention/],
    ['0a 0m 1a 1m', /leaves out every attention/],
  ])('is refused where it says "%.12s"', (without, message) => {
    expect(() => read(without)).toThrow(message);
  });

  it('is refused where it names none, and beside another model', () => {
    const { name: model, fingerprints } = readModelFolder(SMALL).manifest;
    const file = `${cacheFolder}/nothing.safetensors`;
    const notes = { kind: 'swift', target: model, weights: fingerprints.weights };
    writeSafetensors(file, [], 'F32', () => [], notes);
    expect(() => skippedBlocks(target.parts.prepared, file)).toThrow(/names no block/);
    const others = { weights: 'of another', target: 'another model' };
    expect(() => read('0m', others)).toThrow(/trained for another model, not for llama3/);
  });

  it('is what ESPALIER_DRAFT may name, and reads no hidden states', async () => {
    const file = skipFile(cacheFolder, SMALL, { without: '1m' });
    expect(readsHidden([file])).toBe(false);
    const setup = { settings: OPTIONS, add: { cacheFolder, compute: 'float32' as const } };
    const [network] = await openNetworks(file, readModelFolder(SMALL), target, setup);
    expect(network).toMatchObject({ readsStates: false, vocabSize: 96 });
    network!.close();
    const other = skipFile(cacheFolder, SMALL, { without: '1m', kind: 'nap' });
    expect(() => readsHidden([other])).toThrow(/its metadata has the kind nap/);
  });
});
