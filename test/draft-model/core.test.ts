/** What needs no model: its word as evidence, what it reads, and when it is let go. */
import { describe, expect, test } from 'vitest';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { distributionOf, MODEL_TOP } from '../../src/draft/model-distribution.ts';
import { Noise } from '../../src/draft/noise.ts';
import { Source } from '../../src/draft/source.ts';
import { type ModelNode, ModelStore } from '../../src/draft/stores/model-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { draftContext } from '../../src/generate/draft-model/context.ts';
import { Payoff, type TurnKind } from '../../src/generate/draft-model/payoff.ts';

const plain = { temperature: 0, noise: null };

function logitsOf(entries: Record<number, number>, size = 64): Float32Array {
  const logits = new Float32Array(size).fill(-30);
  for (const [id, value] of Object.entries(entries)) logits[Number(id)] = value;
  return logits;
}

test('a distribution keeps the likeliest tokens with their softmax', () => {
  const { tokens, probs } = distributionOf(
    logitsOf({ 5: Math.log(6), 9: Math.log(3), 2: 0 }),
    7,
    plain,
  );
  expect([...tokens]).toEqual([5, 9, 2]);
  expect([...probs].map((p) => p.toFixed(3))).toEqual(['0.600', '0.300', '0.100']);
  const flat = distributionOf(new Float32Array(100), 0, plain);
  expect(flat.tokens).toHaveLength(MODEL_TOP);
  expect(flat.probs[0]).toBeCloseTo(0.01);
});

test('with the verifier’s noise its first token is the very draw of a target that agrees', () => {
  const logits = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i * 7.3) * 3);
  const noise = new Noise([11, 12]);
  for (let position = 0; position < 50; position++) {
    const { tokens } = distributionOf(logits, position, { temperature: 0.8, noise });
    noise.at(position);
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    logits.forEach((z, id) => {
      const score = z / 0.8 + noise.gumbel(id);
      if (score > most) [best, most] = [id, score];
    });
    expect(tokens[0]).toBe(best);
    // Who has words for some of the tokens races those with the same noise.
    const words = Int32Array.from({ length: 90 }, (_, i) => 2 * i + 20);
    const some = Float32Array.from(words, (token) => logits[token]!);
    const named = distributionOf(some, position, { temperature: 0.8, noise }, 200, words).tokens;
    const all = distributionOf(logits, position, { temperature: 0.8, noise }, 200).tokens;
    expect([...named]).toEqual([...all].filter((token) => words.includes(token)));
  }
});

/** Answers whatever was asked, as a model would that counts. */
function answer(nodes: readonly ModelNode[], row = 0): void {
  nodes.forEach((node, i) => {
    node.row = row + i;
    node.says = distributionOf(logitsOf({ [node.token + 1]: 5, [node.token + 2]: 3 }), 0, plain);
  });
}

test('the blend follows the model as deep as it has been read, and names it as the source', () => {
  const store = new ModelStore();
  const drafter = new BlendDrafter([store]);
  drafter.begin(Int32Array.of(1, 2, 3), []);
  store.place(3);
  store.root.says = distributionOf(logitsOf({ 10: 6 }), 3, plain);
  const tree = new TokenTree(8);
  for (let depth = 1; depth <= 4; depth++) {
    tree.clear();
    drafter.draft(tree, 8);
    tree.checkIntegrity();
    expect(Math.max(...tree.depths.subarray(0, tree.size))).toBe(depth);
    expect(tree.sources[0]).toBe(Source.draft);
    answer(store.ask(tree, 8, 0), depth * 10);
  }
  // Nothing is asked twice.
  tree.clear();
  tree.add(ROOT, 10, 0.9, Source.draft);
  expect(store.ask(tree, 8, 0)).toEqual([]);
});

test('committed along the trie it keeps what it knows; off it, it forgets and wants to read', () => {
  const store = new ModelStore();
  store.begin();
  store.place(5);
  const tree = new TokenTree(8);
  const a = tree.add(ROOT, 20, 0.8, Source.draft);
  tree.add(ROOT, 30, 0.2, Source.draft);
  tree.add(a, 21, 0.7, Source.draft);
  const asked = store.ask(tree, 8, 0);
  answer(asked);
  expect(asked.map(({ token, position }) => [token, position])).toEqual([
    [20, 6],
    [30, 6],
    [21, 7],
  ]);
  store.advance(20);
  expect(store.settled.splice(0)).toEqual([0]);
  expect(store.released.splice(0)).toEqual([1]);
  expect(store.unread).toEqual([]);
  expect(store.root.says).not.toBeNull();
  expect(store.root.parent).toBeNull();
  store.checkIntegrity();
  store.advance(40);
  expect(store.released.splice(0)).toEqual([2]);
  expect(store.unread).toEqual([40]);
  expect(store.root).toMatchObject({ says: null, position: 7 });
});

test('one that reads committed text anew keeps its word on it until then', () => {
  const store = new ModelStore({ keeps: false });
  store.place(5);
  const tree = new TokenTree(8);
  tree.add(tree.add(ROOT, 20, 0.8, Source.draft), 21, 0.7, Source.draft);
  answer(store.ask(tree, 8, 0));
  for (const [token, known] of [
    [20, true],
    [21, true],
    [40, false],
  ] as const) {
    store.advance(token);
    expect(store.root.says !== null).toBe(known);
    expect(store.root.parent).toBeNull();
  }
  expect(store.unread).toEqual([20, 21, 40]);
  expect(store.settle()).toEqual([]);
  expect(store.root.children.size).toBe(0);
});

test('a long prompt is read as its instruction, the passages and its end, within the bound', () => {
  const prompt = Int32Array.from({ length: 9000 }, (_, i) => i);
  const regions = [
    { start: 50, end: 200, source: Source.passage },
    { start: 260, end: 400, source: Source.passage },
  ];
  const context = draftContext(prompt, regions, 1024);
  expect(context.length).toBeLessThanOrEqual(1024);
  expect(context.at(-1)).toBe(8999);
  expect([...context]).toEqual(expect.arrayContaining([0, 50, 199, 260, 399]));
  expect([...context]).not.toContain(230);
  expect([...context]).not.toContain(5000);
  expect(draftContext(prompt.subarray(0, 900), regions, 1024)).toHaveLength(900);
  expect([...draftContext(prompt, [], 100)]).toEqual([...prompt.subarray(8900)]);
});

describe('the account of what it costs and saves', () => {
  const kind = { namespace: 'a', grounded: true, sampled: false, length: 9 };
  /** @param own tokens of its own, in ten steps of `ms` milliseconds */
  function play(payoff: Payoff, spent: number, own: number, of: TurnKind = kind, ms = 25) {
    const turn = payoff.turn(of);
    turn.spend(80, 'context');
    turn.spend(spent, 'drafts');
    payoff.paced(of, true, ms);
    turn.commit(own, 10, 10 * ms);
    turn.end();
    return turn;
  }
  /** Whose steps without it are known to take 25 ms. */
  function knowing(...kinds: TurnKind[]) {
    const payoff = new Payoff();
    for (const one of [kind, ...kinds]) payoff.paced(one, false, 25);
    return payoff;
  }
  const admitted = (payoff: Payoff, turns: number, of: TurnKind = kind) =>
    Array.from({ length: turns }, () => payoff.admits(of)).flatMap((is, i) => (is ? [i] : []));

  test('where it costs more it is dropped, tried again ever more rarely, and taken back', () => {
    const payoff = knowing();
    expect(payoff.admits(kind)).toBe(true);
    expect(play(payoff, 400, 2).hopeless).toBe(true);
    play(payoff, 400, 2);
    // It costs 1.8 times what it saves.
    expect(admitted(payoff, 250)).toEqual([28, 86, 202]);
    for (let i = 0; i < 4; i++) expect(play(payoff, 100, 10).hopeless).toBe(false);
    expect(admitted(payoff, 3)).toEqual([0, 1, 2]);
  });

  test('where it pays, turns go without ever more rarely: what steps take then is known', () => {
    const payoff = new Payoff();
    for (let i = 0; i < 2; i++) play(payoff, 100, 10);
    expect(payoff.admits(kind)).toBe(false);
    payoff.paced(kind, false, 25);
    // It saves 7.4 times what it costs.
    const is = new Set(admitted(payoff, 400));
    expect([...Array(400).keys()].filter((i) => !is.has(i))).toEqual([118, 356]);
  });

  test('the context that it reads first is no reason to give up, yet counts', () => {
    const payoff = knowing();
    const turn = payoff.turn(kind);
    turn.spend(1_000, 'context');
    expect(turn.hopeless).toBe(false);
    for (let i = 0; i < 2; i++) {
      const next = payoff.turn(kind);
      next.spend(1_000, 'context');
      payoff.paced(kind, true, 25);
      next.commit(3, 10, 250);
      next.end();
    }
    expect(payoff.admits(kind)).toBe(false);
  });

  test('what is saved is worth what a step takes now', () => {
    const payoff = knowing();
    for (let i = 0; i < 5; i++) play(payoff, 200, 3);
    expect(payoff.admits(kind)).toBe(true);
    for (let i = 0; i < 300; i++) payoff.paced(kind, false, 2);
    for (let i = 0; i < 300; i++) payoff.paced(kind, true, 2);
    expect(payoff.admits(kind)).toBe(false);
  });

  test('steps that it makes longer are no saving', () => {
    const payoff = knowing();
    // Four steps of ten saved, and the other ten half as long again.
    for (let i = 0; i < 60; i++) play(payoff, 20, 5, kind, 37.5);
    expect(payoff.admits(kind)).toBe(false);
    const turn = play(payoff, 100, 5, kind, 37.5);
    expect(turn.savedMs).toBeLessThan(0);
    expect(turn.hopeless).toBe(true);
    // A verifier that everybody's load slows down is none of its doing.
    for (let i = 0; i < 300; i++) payoff.paced(kind, false, 37.5);
    expect(payoff.admits(kind)).toBe(true);
  });

  test('a step that stalled drops nobody, and is no reason to give a turn up', () => {
    const payoff = knowing();
    for (let i = 0; i < 4; i++) play(payoff, 100, 10);
    const turn = payoff.turn(kind);
    turn.spend(100, 'drafts');
    payoff.paced(kind, true, 2_000);
    turn.commit(3, 1, 2_000);
    expect(turn.hopeless).toBe(false);
    expect(admitted(payoff, 3)).toEqual([0, 1, 2]);
  });

  test('steps that have become quicker since are worth what they take now', () => {
    const payoff = knowing();
    for (let i = 0; i < 4; i++) play(payoff, 200, 3);
    expect(payoff.admits(kind)).toBe(true);
    for (let i = 0; i < 200; i++) payoff.paced(kind, true, 2);
    expect(payoff.admits(kind)).toBe(false);
    const turn = payoff.turn(kind);
    turn.spend(100, 'drafts');
    turn.commit(3, 10, 20);
    expect(turn.savedMs).toBeLessThan(5);
    expect(turn.hopeless).toBe(true);
  });

  test('the steps of a long prompt are not compared with those of a short one', () => {
    const long = { ...kind, length: 13 };
    const payoff = knowing(long);
    for (let i = 0; i < 200; i++) payoff.paced(long, false, 100);
    for (let i = 0; i < 4; i++) play(payoff, 100, 10, long, 100);
    expect(admitted(payoff, 3, long)).toEqual([0, 1, 2]);
    expect(admitted(payoff, 3)).toEqual([0, 1, 2]);
  });

  test('a new tenant, and another temperature, begin with what was seen; passages apart', () => {
    const sampled = { ...kind, sampled: true };
    const payoff = knowing(sampled);
    for (let i = 0; i < 4; i++) play(payoff, 400, 0);
    expect(admitted(payoff, 3, sampled)).toEqual([]);
    expect(admitted(payoff, 3, { ...kind, namespace: 'b' })).toEqual([]);
    expect(admitted(payoff, 3, { ...kind, grounded: false })).toEqual([0, 1, 2]);
    // Where it pays its own turns outweigh the others'.
    const b = { ...kind, namespace: 'b' };
    for (let i = 0; i < 6; i++) play(payoff, 100, 10, b);
    expect(admitted(payoff, 3, b)).toEqual([0, 1, 2]);
    expect(admitted(payoff, 3)).toEqual([]);
  });
});
