/** What ESPALIER_DRAFT may name, and what is refused. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AddOptions } from '../../gpu-backend/builder/add-model.ts';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import type { ModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { Echoes } from '../../gpu-backend/drafters/echoes.ts';
import type { Network } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import {
  namesIn,
  openDrafters,
  openNetworks,
  promptTokensIn,
  readsHidden,
} from '../../gpu-backend/open-drafters.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import { hydraFile, hydraTensors } from '../engine/hydra-file.ts';
import { BUNDLED, SMALL, temporaryFolder } from '../engine/models.ts';
import { promptsFile, promptValues } from '../engine/prompts-file.ts';
import { fusionTensors, SMALL_HIDDEN, trainedFile } from '../engine/trained-file.ts';

const cacheFolder = temporaryFolder();
const BUNDLED_DRAFT = BUNDLED.replace(/target$/, 'draft');
const settings = { threads: 1 };
const add: AddOptions = { cacheFolder, compute: 'float32' };

let target: ModelFolder;
let engine: OrtEngine;
beforeAll(async () => {
  target = await addModel(BUNDLED, add);
  engine = await openEngine(target.path, { slots: 2, maxContext: 256, threads: 1, cacheFolder });
});
afterAll(() => engine?.close());

const open = async (draft: string | undefined) =>
  await openDrafters(namesIn(draft), target, engine, {
    settings: { ...settings, cacheFolder },
    add,
    clock: nodeClock,
  });

describe('ESPALIER_DRAFT', () => {
  test('that is empty leaves the echo alone', async () => {
    expect(await open(undefined)).toBeInstanceOf(Echoes);
    expect(await open('')).toBeInstanceOf(Echoes);
  });

  test("names a model of the target's tokenizer, the target's own weights, or both", async () => {
    for (const draft of [BUNDLED_DRAFT, 'self', `${BUNDLED_DRAFT}, self`]) {
      const drafters = await open(draft);
      expect(drafters).toBeInstanceOf(NetworkedDrafters);
      drafters.close();
    }
  });

  test('that lacks a name beside a comma is refused', async () => {
    for (const draft of ['self,', ',self', 'self,,self']) {
      await expect(open(draft)).rejects.toThrow(
        /has an empty name: ".*a path in it can't contain one$/,
      );
    }
  });

  test('that names a model of another tokenizer is refused', async () => {
    const folder = join(cacheFolder, 'strange');
    cpSync(SMALL, folder, { recursive: true });
    const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [`strange ${id}`, id]));
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ model: { vocab } }));
    await expect(open(folder)).rejects.toThrow(/strange has another tokenizer/);
  });

  test('is refused on CUDA where steps are captured there', async () => {
    const graphs = { settings: { ...settings, cacheFolder, cudaGraphs: true }, add };
    await expect(openNetworks('self', target, engine, graphs)).rejects.toThrow(
      /ESPALIER_CUDA_GRAPHS=true .* ESPALIER_DRAFT_PROVIDER=cpu/,
    );
  });

  test('that names a checkpoint without its tokenizer is refused, and told what is missing', async () => {
    await expect(open(SMALL)).rejects.toThrow(/llama3-rope-sharded-f32 has no tokenizer.json/);
  });

  test('that names too many is refused', async () => {
    const many = Array.from({ length: 17 }, (_, i) => `model-${i}`).join(',');
    await expect(open(many)).rejects.toThrow(/names 17 networks; at most 16/);
  });

  test('that names one twice is refused', async () => {
    await expect(open('self,self')).rejects.toThrow(/names self twice: name it once/);
  });

  test('that names a layer for another target, or one of no kind, is refused', async () => {
    const feature = trainedFile(cacheFolder, { kind: 'feature' }, fusionTensors());
    await expect(open(feature)).rejects.toThrow(/trained for llama3-rope.*, not for espalier-tiny/);
    const nameless = trainedFile(cacheFolder, { exit: '1' });
    await expect(open(nameless)).rejects.toThrow(
      /not a trained drafter: its metadata has no `kind`/,
    );
  });

  test('that names a layer or heads over hidden states asks for a target that gives them', async () => {
    const feature = trainedFile(cacheFolder, { kind: 'feature' }, fusionTensors());
    const hydra = hydraFile(cacheFolder, SMALL, { places: '2' }, hydraTensors(SMALL_HIDDEN, 2));
    const exit = trainedFile(cacheFolder, { kind: 'kangaroo', exit: '1' });
    const reading = [feature, hydra, `self,${feature}`, `self, ${hydra}`];
    expect(reading.filter((draft) => !readsHidden(namesIn(draft)))).toEqual([]);
    expect(readsHidden([exit, BUNDLED_DRAFT])).toBe(false);
    expect(readsHidden(namesIn(undefined))).toBe(false);
    const small = await addModel(SMALL, add);
    for (const hiddenOutput of [true, false]) {
      const options = { slots: 2, maxContext: 256, threads: 1, cacheFolder, hiddenOutput };
      const own = await openEngine(small.path, options);
      for (const file of [feature, hydra]) {
        const opening = openNetworks(file, small, own, { settings, add });
        if (hiddenOutput) {
          const [network] = await opening;
          expect(network!.readsStates).toBe(true);
          network!.close();
        } else
          await expect(opening).rejects.toThrow(
            /give none: start the verifier with ESPALIER_DRAFT=/,
          );
      }
      own.close();
    }
  });

  test('that names prompt tokens asks for a target that was opened with them', async () => {
    const file = promptsFile(cacheFolder, promptValues(3));
    const other = promptsFile(cacheFolder, promptValues(2));
    const small = await addModel(SMALL, add);
    expect(promptTokensIn(['self', file], small)).toEqual(promptValues(3));
    expect(promptTokensIn(['self'], small)).toBe(undefined);
    expect(() => promptTokensIn([file, other], small)).toThrow(/both prompt tokens: name one/);
    expect(readsHidden([file])).toBe(false);
    const options = { slots: 2, maxContext: 256, threads: 1, cacheFolder };
    for (const promptTokens of [undefined, promptValues(2), promptValues(3)]) {
      const own = await openEngine(small.path, { ...options, promptTokens });
      const opening = openNetworks(file, small, own, { settings, add });
      if (promptTokens?.length === promptValues(3).length) {
        const [network] = await opening;
        expect(network!.promptPlaces).toBe(3);
      } else
        await expect(opening).rejects.toThrow(/opened without them: start the verifier with ESPAL/);
      own.close();
    }
  });

  test('that names a model whose exits were trained has a network for each, and for the whole', async () => {
    const folder = join(cacheFolder, 'nested');
    cpSync(BUNDLED_DRAFT, folder, { recursive: true });
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, draft_exits: [1, 2] }));
    const networks = await openNetworks(folder, target, engine, { settings, add });
    const says = await Promise.all(networks.map(wordsOf));
    expect(says).toHaveLength(3);
    // Each reads other layers, and the whole says what the checkpoint does without exits.
    expect(new Set(says).size).toBe(3);
    const [whole] = await openNetworks(BUNDLED_DRAFT, target, engine, { settings, add });
    expect(says[2]).toBe(await wordsOf(whole!));
    for (const network of [...networks, whole!]) network.close();
  });
});

/** What a network says after some tokens. */
async function wordsOf(network: Network): Promise<string> {
  const { place } = network.enter(Int32Array.of(5), 16, 'a')!;
  const root = { token: 5, parent: null, position: 4, children: new Map(), row: -1, says: null };
  const sampling = { temperature: 0, noise: null };
  const tokens = Int32Array.of(40, 41, 42, 5);
  const rest = { settled: [], states: [], foretold: [], nodes: [], wordTokens: 0 };
  await network.read([{ place, tokens, root, sampling, ...rest }]);
  network.leave(place);
  return JSON.stringify((root as ModelNode).says);
}
