/**
 * On a real model, whose quantised layers turn the last bit of a number into
 * another word, as random weights seldom do.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QUANTIZATION_CHOICES } from '../../gpu-backend/builder/quantization.ts';
import { checkExactness, slotsFor } from '../../gpu-backend/engine/exactness/check.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { NO_MODEL, REAL_MODEL, REAL_MODEL_CACHE, realModel } from '../support/real-model.ts';
import { startService, type TestService } from '../support/service.ts';
import { answer } from './answers.ts';

const PLAN = { trees: 5, maxNodes: 12, maxContext: 96, sessions: 2, seed: 1 };
const STARTUP_MS = 600_000;

describe.skipIf(!REAL_MODEL)(`a real model is exact${NO_MODEL}`, () => {
  it.each([undefined, ...QUANTIZATION_CHOICES])(
    'quantised: %s',
    { retry: 0, timeout: STARTUP_MS },
    async (quantization) => {
      const { path } = await realModel(quantization);
      const engine = await openEngine(path, {
        slots: slotsFor(PLAN),
        maxContext: 128,
        cacheFolder: REAL_MODEL_CACHE,
      });
      const { exactness } = engine;
      const found = await checkExactness(engine, PLAN);
      engine.close();
      expect(exactness!.equal).toBe(exactness!.nodes);
      expect(found.nodes).toBeGreaterThan(15);
      expect(found).toEqual({ nodes: found.nodes, equal: found.nodes, largestDifference: 0 });
    },
  );
});

/** Its answer can be drafted. */
const REPETITION =
  'Repeat after me, three times: "A pear tree against a warm wall bears two weeks earlier."';
const QUESTIONS = [REPETITION, 'Why do gardeners train fruit trees flat against a wall?'];

describe.skipIf(!REAL_MODEL)(`with a real model in int4${NO_MODEL}`, () => {
  let service: TestService;
  startedOnesAlwaysDraft();
  beforeAll(async () => {
    const { path } = await realModel('int4');
    service = await startService({ model: path, demo: false });
  }, STARTUP_MS);
  afterAll(() => service?.stop());

  it.each(QUESTIONS)(
    'drafting changes nothing, to the bit: %s',
    { retry: 0, timeout: 240_000 },
    async (content) => {
      for (const temperature of [0, 0.8]) {
        const ask = (mode: string) => {
          const body = {
            messages: [{ role: 'user', content }],
            vector_store_ids: [],
            temperature,
            seed: 5,
            max_tokens: 32,
            logprobs: true,
            top_logprobs: 3,
            speculation: { mode, stats: true },
          };
          return answer(service.url, body, mode === 'on');
        };
        const plain = await ask('off');
        expect(plain.tokens).toBeGreaterThan(5);
        const drafted = await ask('on');
        expect(drafted.choices).toEqual(plain.choices);
        if (content === REPETITION) expect(drafted.steps).toBeLessThan(plain.steps);
      }
    },
  );
});
