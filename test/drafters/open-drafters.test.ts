/** What ESPALIER_DRAFT may name, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AddOptions } from '../../gpu-backend/builder/add-model.ts';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import type { ModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { Echoes } from '../../gpu-backend/drafters/echoes.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { openDrafters } from '../../gpu-backend/open-drafters.ts';
import { BUNDLED, SMALL, temporaryFolder } from '../engine/models.ts';

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

const open = (draft: string | undefined) =>
  openDrafters(draft, target, engine, {
    settings: { ...settings, cacheFolder },
    add,
    clock: nodeClock,
  });

describe('ESPALIER_DRAFT', () => {
  test('that is empty leaves the echo alone', async () => {
    expect(await open(undefined)).toBeInstanceOf(Echoes);
    expect(await open('')).toBeInstanceOf(Echoes);
  });

  test("names a model of the target's tokenizer, or the target's own weights", async () => {
    for (const draft of [BUNDLED_DRAFT, 'self']) {
      const drafters = await open(draft);
      expect(drafters).toBeInstanceOf(NetworkedDrafters);
      drafters.close();
    }
  });

  test('that names a model of another tokenizer is refused', async () => {
    await expect(open(SMALL)).rejects.toThrow(/tokenizer/);
  });
});
