/**
 * What turns say through the verifier's own scheduler and sessions follows the target's
 * law under every rule that promises it, at the end of the engine's panel too, where a
 * step has room for a part of the draws.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { countingClock } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import type { Seat } from '../../gpu-backend/drafters/beside.ts';
import { PANEL_ROWS } from '../../gpu-backend/engine/panel.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT } from '../../src/draft/tree/tree.ts';
import { SAMPLED_ACCEPT } from '../../src/link/protocol/index.ts';
import { logitsAfter, VOCAB } from '../lossless/table-model.ts';
import { turnOf } from '../support/turn.ts';
import { TableEngine } from './table-engine.ts';

const ANSWERS = 3_000;
/** 99.99 % quantile of χ² with 24 degrees of freedom. */
const CHI2_LIMIT = 60;

const decoder = new Decoder(new TableEngine(), new Nucleus(VOCAB), countingClock());
afterAll(() => decoder.close());

/** Proposes the same three tokens after every place, to a depth of two. */
const steady: Seat = {
  begin: () => {},
  commit: () => {},
  learn: () => {},
  recycles: false,
  networked: null,
  observe: () => {},
  end: () => {},
  draft(tree) {
    for (const [token, prob] of [
      [2, 0.5],
      [0, 0.3],
      [3, 0.1],
    ] as const) {
      const node = tree.add(ROOT, token, prob, Source.draft);
      tree.add(node, 1, prob * 0.7, Source.draft);
      tree.add(node, 2, prob * 0.2, Source.draft);
    }
  },
};

async function answers(rule: (typeof SAMPLED_ACCEPT)[number], promptLength: number) {
  const prompt = new Int32Array(promptLength);
  const counts = new Float64Array(VOCAB * VOCAB);
  const sums = { drafted: 0, accepted: 0 };
  for (let seed = 0; seed < ANSWERS; seed++) {
    const turn = turnOf({
      prompt,
      seed: [seed, 7],
      warp: { temperature: 1, topK: 0, topP: 1 },
      maxTokens: 4,
      accept: { rule },
    });
    const { tokens, drafted, steps } = await decoder.decode(turn, steady);
    counts[tokens[0]! * VOCAB + tokens[1]!]!++;
    sums.drafted += drafted;
    sums.accepted += tokens.length - steps;
  }
  return { counts, ...sums };
}

function chiSquared(counts: Float64Array): number {
  const softmax = (logits: Float32Array) => {
    const weights = Float64Array.from(logits, Math.exp);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
  const first = softmax(logitsAfter([]));
  let statistic = 0;
  for (let a = 0; a < VOCAB; a++) {
    const second = softmax(logitsAfter([a]));
    for (let b = 0; b < VOCAB; b++) {
      const expected = ANSWERS * first[a]! * second[b]!;
      statistic += (counts[a * VOCAB + b]! - expected) ** 2 / expected;
    }
  }
  return statistic;
}

describe.each(SAMPLED_ACCEPT)('%s', (rule) => {
  test.each([
    ['far from a panel’s end', 8],
    ['with room for two drafts', PANEL_ROWS - 2],
    ['with room for one', PANEL_ROWS - 1],
    ['behind its last row', PANEL_ROWS],
  ])('keeps the law %s', async (_, promptLength) => {
    const { counts, drafted, accepted } = await answers(rule, promptLength);
    expect(chiSquared(counts)).toBeLessThan(CHI2_LIMIT);
    expect(drafted).toBeGreaterThan(ANSWERS / 2);
    expect(accepted).toBeGreaterThan(ANSWERS / 10);
  });
});
