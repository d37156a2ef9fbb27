/**
 * What turns say through the verifier's own scheduler and sessions follows the target's
 * law under every rule that promises it, at the end of the engine's panel too, where a
 * step has room for a part of the draws.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { countingClock } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import { PANEL_ROWS } from '../../gpu-backend/engine/panel.ts';
import { SAMPLED_ACCEPT } from '../../src/link/protocol/index.ts';
import { VOCAB } from '../lossless/table-model.ts';
import { turnOf } from '../support/turn.ts';
import { CHI2_LIMIT, chiSquared, proposeSteadily } from './law.ts';
import { TableEngine } from './table-engine.ts';

const ANSWERS = 3_000;

const decoder = new Decoder(new TableEngine(), new Nucleus(VOCAB), countingClock());
afterAll(() => decoder.close());

const steady: Seat = {
  begin: () => {},
  commit: () => {},
  follow: () => {},
  learn: () => {},
  recycles: false,
  networked: null,
  observe: () => {},
  end: () => {},
  draft: proposeSteadily,
};

async function answers(rule: (typeof SAMPLED_ACCEPT)[number], promptLength: number) {
  const prompt = new Int32Array(promptLength);
  const sums = { texts: [] as number[][], drafted: 0, accepted: 0 };
  for (let seed = 0; seed < ANSWERS; seed++) {
    const turn = turnOf({
      prompt,
      seed: [seed, 7],
      warp: { temperature: 1, topK: 0, topP: 1 },
      maxTokens: 4,
      accept: { name: rule },
    });
    const { tokens, drafted, steps } = await decoder.decode(turn, steady);
    sums.texts.push(tokens);
    sums.drafted += drafted;
    sums.accepted += tokens.length - steps;
  }
  return sums;
}

describe.each(SAMPLED_ACCEPT)('%s', (rule) => {
  test.each([
    ['far from a panel’s end', 8],
    ['with room for two drafts', PANEL_ROWS - 2],
    ['with room for one', PANEL_ROWS - 1],
    ['behind its last row', PANEL_ROWS],
  ])('keeps the law %s', async (_, promptLength) => {
    const { texts, drafted, accepted } = await answers(rule, promptLength);
    expect(chiSquared(texts)).toBeLessThan(CHI2_LIMIT);
    expect(drafted).toBeGreaterThan(ANSWERS / 2);
    expect(accepted).toBeGreaterThan(ANSWERS / 10);
  });
});
