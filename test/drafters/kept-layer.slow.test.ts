/** The layer that is kept for SmolLM2-135M drafts what no text holds, and changes nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { countingClock, withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { ModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { readSafetensorsFile } from '../../gpu-backend/builder/safetensors.ts';
import { Echoes } from '../../gpu-backend/drafters/echoes.ts';
import type { LocalDrafters } from '../../gpu-backend/drafters/local-drafters.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { openNetworks } from '../../gpu-backend/open-drafters.ts';
import { ROOT } from '../../local/root.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { NO_MODEL, REAL_MODEL, REAL_MODEL_CACHE, realModel } from '../support/real-model.ts';
import { turnOf } from '../support/turn.ts';

const FILE = join(ROOT, 'models/heads/smollm2-135m/feature.safetensors');
const QUESTIONS = ['Why is the sky blue?', 'Write a short story about a baker who cannot sleep.'];
const TOKENS = 40;
const STARTUP_MS = 600_000;

const FORMATS = ['int4', 'int8'] as const;

describe.skipIf(!REAL_MODEL).each(FORMATS)(
  `the layer kept for SmolLM2-135M in %s${NO_MODEL}`,
  (format) => {
    let target: ModelFolder;
    let engine: OrtEngine;
    let isOther: boolean;
    beforeAll(async () => {
      target = await realModel(format);
      const { weights } = readSafetensorsFile(FILE).metadata;
      isOther = target.manifest.fingerprints.weights !== weights;
      engine = await openEngine(target.path, {
        slots: 2,
        maxContext: 512,
        hiddenOutput: true,
        cacheFolder: REAL_MODEL_CACHE,
      });
    }, STARTUP_MS);
    afterAll(() => engine?.close());

    test.for([0, 0.8])(
      'at temperature %d',
      { timeout: STARTUP_MS },
      async (temperature, { skip }) => {
        skip(isOther, 'ESPALIER_TEST_MODEL is another model');
        const [network] = await openNetworks(FILE, target, engine, {
          settings: { cacheFolder: REAL_MODEL_CACHE },
          add: { cacheFolder: REAL_MODEL_CACHE, compute: 'float32' },
        });
        const always = { passes: 4, nodes: 8 };
        const alone = await answers(new Echoes(), temperature);
        const drafted = await answers(
          new NetworkedDrafters([network], countingClock(), { always }),
          temperature,
        );
        network.close();
        expect(drafted.texts).toEqual(alone.texts);
        expect(drafted.steps).toBeLessThan(alone.steps * 0.8);
      },
    );

    async function answers(drafters: LocalDrafters, temperature: number) {
      const read = (name: string) => JSON.parse(readFileSync(join(target.path, name), 'utf8'));
      const { encode } = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
      const nucleus = new Nucleus(engine.limits.vocabSize);
      const decoder = new Decoder(withFreeNodes(engine), nucleus, countingClock(), drafters);
      const texts: number[][] = [];
      let steps = 0;
      for (const [i, question] of QUESTIONS.entries()) {
        const turn = turnOf({
          prompt: Int32Array.from(
            encode(`<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`),
          ),
          warp: { temperature, topK: 0, topP: 1 },
          seed: [3, i],
          maxTokens: TOKENS,
          budget: 64,
        });
        const decoded = await decoder.decode(turn, drafters.seat(turn));
        texts.push(decoded.tokens);
        steps += decoded.steps;
      }
      await decoder.close();
      return { texts, steps };
    }
  },
);
