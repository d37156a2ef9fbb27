/** The accept rules at work on the trees of steps: what they leave of the target's law, and what they count. */
import { describe, expect, test } from 'vitest';
import type { AcceptChoice } from '../../gpu-backend/accept/choice.ts';
import { NEAR, NeighbourTable } from '../../gpu-backend/accept/lossy/neighbour-table.ts';
import { standIn } from '../../gpu-backend/accept/lossy/relaxed.ts';
import { typicalLeast } from '../../gpu-backend/accept/lossy/typical.ts';
import { turnRule } from '../../gpu-backend/accept/turn-rule.ts';
import { Walk } from '../../gpu-backend/accept/walk.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { SAMPLED_ACCEPT } from '../../src/link/protocol/index.ts';
import { logitsAfter, VOCAB } from '../lossless/table-model.ts';
import { turnOf } from '../support/turn.ts';
import { CHI2_LIMIT, chiSquared, proposeSteadily } from './law.ts';

const NUCLEUS = new Nucleus(VOCAB);

const warpAt = (temperature: number) => ({ temperature, topK: 0, topP: 1 });

interface Settings {
  choice: AcceptChoice;
  seed: number;
  temperature: number;
  length: number;
  hiddenAt?: (node: number) => Float32Array;
}

/** An answer through steps whose trees propose some tokens to a depth of two. */
function answer({ choice, seed, temperature, length, hiddenAt }: Settings) {
  const turn = turnOf({
    prompt: Int32Array.of(0),
    seed: [seed, 3],
    warp: warpAt(temperature),
    accept: choice,
  });
  const { rule, lossy, sampled } = turnRule(turn, {
    nucleus: NUCLEUS,
    vocabSize: VOCAB,
    processors: [],
    hiddenAt: hiddenAt ?? (() => new Float32Array(0)),
  });
  const [proposed, tree] = [new TokenTree(64), new TokenTree(64)];
  const walk = new Walk(65);
  const out: number[] = [];
  let accepted = 0;
  while (out.length < length) {
    proposed.clear();
    proposeSteadily(proposed);
    if (sampled) sampled.grow(proposed, tree, 16);
    const stepped = sampled ? tree : proposed;
    stepped.checkIntegrity();
    const logits = new Float32Array((stepped.size + 1) * VOCAB);
    logits.set(logitsAfter(out));
    for (let node = 0; node < stepped.size; node++) {
      const path: number[] = [];
      for (let at = node; at !== ROOT; at = stepped.parents[at]!) path.unshift(stepped.tokens[at]!);
      logits.set(logitsAfter([...out, ...path]), (node + 1) * VOCAB);
    }
    walk.descend(stepped, { logits }, VOCAB, rule, out.length, length - out.length, new Set());
    accepted += walk.count - 1;
    out.push(...walk.tokens.subarray(0, walk.count));
  }
  return { out, accepted, deviations: lossy?.deviations ?? 0 };
}

function* answers(choice: AcceptChoice, count: number): Generator<number[]> {
  for (let seed = 0; seed < count; seed++) {
    yield answer({ choice, seed, temperature: 1, length: 2 }).out;
  }
}

describe.each(SAMPLED_ACCEPT)('%s', (rule) => {
  test('answers follow the target’s law over two tokens (χ²)', () => {
    expect(chiSquared(answers({ name: rule }, 20_000))).toBeLessThan(CHI2_LIMIT);
  });

  test('at temperature 0 the answer is the target’s own, and drafts are accepted', () => {
    const plain = answer({ choice: { name: 'match' }, seed: 1, temperature: 0, length: 12 }).out;
    expect(answer({ choice: { name: rule }, seed: 1, temperature: 0, length: 12 }).out).toEqual(
      plain,
    );
    const { accepted } = answer({ choice: { name: rule }, seed: 1, temperature: 1, length: 400 });
    expect(accepted).toBeGreaterThan(40);
  });

  test('one seed and the same trees give one answer', () => {
    const settings = { choice: { name: rule }, seed: 9, temperature: 1, length: 30 };
    expect(answer(settings)).toEqual(answer(settings));
  });
});

describe('a tree of sampled drafts', () => {
  const grown = (count: number) => {
    const { sampled } = turnRule(turnOf({ prompt: Int32Array.of(0), accept: { name: 'greedy' } }), {
      nucleus: NUCLEUS,
      vocabSize: VOCAB,
      processors: [],
      hiddenAt: () => new Float32Array(0),
    });
    const [proposed, tree] = [new TokenTree(64), new TokenTree(64)];
    proposeSteadily(proposed);
    sampled!.grow(proposed, tree, count);
    return tree;
  };

  test('promises what was proposed, not what is certain once it is drawn', () => {
    const { probs, parents, size } = grown(16);
    let first = 0;
    for (let node = 0; node < size; node++) if (parents[node] === ROOT) first += probs[node]!;
    expect(first).toBeCloseTo(0.9, 6);
    for (let node = 0; node < size; node++) {
      let after = 0;
      for (let one = 0; one < size; one++) if (parents[one] === node) after += probs[one]!;
      if (after > 0) expect(after).toBeCloseTo(0.9 * probs[node]!, 6);
    }
  });

  test('takes as many draws as there is room for', () => {
    for (let count = 0; count <= 9; count++) expect(grown(count).size).toBe(count);
  });
});

/** Tokens by nearness; the table has `NEAR` of them, so the nearest are repeated. */
function table(nearest: readonly number[]): NeighbourTable {
  return new NeighbourTable(
    Int32Array.from({ length: VOCAB * NEAR }, (_, i) => nearest[Math.floor(i / NEAR)]!),
  );
}

describe('typical acceptance', () => {
  test('commits what the target finds likely enough, and counts it', () => {
    const choice: AcceptChoice = { name: 'typical' };
    const typical = answer({ choice, seed: 4, temperature: 1, length: 400 });
    const match = answer({ choice: { name: 'match' }, seed: 4, temperature: 1, length: 400 });
    expect(typical.accepted).toBeGreaterThan(match.accepted);
    expect(typical.deviations).toBeGreaterThan(0);
    expect(match.deviations).toBe(0);
    const greedy = { seed: 4, temperature: 0, length: 24 };
    expect(answer({ choice, ...greedy })).toEqual(answer({ choice: { name: 'match' }, ...greedy }));
  });

  test('the bar falls with the entropy, and is 0.09 at most', () => {
    expect(typicalLeast(Float64Array.of(1, 0))).toBeCloseTo(0.09, 12);
    expect(typicalLeast(new Float64Array(4).fill(0.25))).toBeCloseTo(0.3 / 4, 12);
  });
});

describe('relaxed acceptance', () => {
  // Of 5 tokens; 2 and 0 are drafted.
  const p = Float64Array.of(0.3, 0.05, 0.3, 0.04, 0.31);

  test('moves no more than δ of the target’s law, by enumeration', () => {
    for (const nearest of [
      [1, 3, 1, 1, 1],
      [3, 3, 3, 3, 3],
      [4, 4, 4, 4, 4],
      [1, 1, 3, 3, 3],
    ]) {
      for (const delta of [0, 0.04, 0.05, 0.1, 0.5]) {
        const law = new Float64Array(5);
        for (let own = 0; own < 5; own++) {
          const instead = [2, 0].includes(own)
            ? -1
            : standIn(p, [2, 0], own, table(nearest), delta);
          law[instead < 0 ? own : instead]! += p[own]!;
        }
        const moved = law.reduce((sum, px, x) => sum + Math.max(0, px - p[x]!), 0);
        expect(moved).toBeLessThanOrEqual(delta + 1e-12);
      }
    }
  });

  test('a draft stands for its neighbours, while they fit', () => {
    expect(standIn(p, [2, 0], 1, table([4, 3, 1, 1, 1]), 0.1)).toBe(2);
    expect(standIn(p, [2, 0], 4, table([4, 3, 1, 1, 1]), 0.1)).toBe(-1);
    expect(standIn(p, [2, 0], 4, table([4, 3, 1, 1, 1]), 0.5)).toBe(0);
  });

  test('is counted, and gives the target’s own at temperature 0', () => {
    const choice: AcceptChoice = { name: 'relaxed', neighbours: table([1, 2, 4, 4, 2]) };
    expect(answer({ choice, seed: 2, temperature: 1, length: 600 }).deviations).toBeGreaterThan(0);
    expect(answer({ choice, seed: 2, temperature: 0, length: 24 }).deviations).toBe(0);
  });
});

test('a judge accepts what its head finds good, at any temperature', () => {
  const head = { weights: Float32Array.of(1), bias: 0, threshold: 0.5 };
  const judge = (hidden: number) =>
    answer({
      choice: { name: 'judge', head },
      seed: 1,
      temperature: 0,
      length: 24,
      hiddenAt: () => Float32Array.of(hidden),
    });
  const plain = answer({ choice: { name: 'match' }, seed: 1, temperature: 0, length: 24 });
  expect(judge(-3)).toEqual(plain);
  expect(judge(3).deviations).toBeGreaterThan(0);
  expect(judge(3).accepted).toBeGreaterThan(plain.accepted);
});
