/**
 * Exact: with every tree, the tokens that the walk commits are those that
 * plain decoding draws. The "model" here is a table of logits by prefix, so
 * that a tree's rows can be filled without a network.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draw } from '../../gpu-backend/accept/draw.ts';
import { Walk } from '../../gpu-backend/accept/walk.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { Noise } from '../../src/draft/noise.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree.ts';

const VOCAB = 5;
const EOS = 4;

/** Logits after a prefix: any fixed function of it serves. */
function logitsAfter(prefix: readonly number[]): Float32Array {
  const key = prefix.reduce((h, token) => (Math.imul(h, 31) + token + 1) | 0, 7);
  const noise = new Noise([key >>> 0, 1]);
  noise.at(0);
  return Float32Array.from({ length: VOCAB }, (_, id) => noise.gumbel(id) - (id === EOS ? 2 : 0));
}

const draw = (temperature: number, seed: number) =>
  new Draw({ temperature, topK: 0, topP: 1 }, [seed, 0], new Nucleus(VOCAB));

function plain(length: number, temperature: number, seed: number): number[] {
  const out: number[] = [];
  while (out.length < length && out.at(-1) !== EOS) {
    out.push(draw(temperature, seed).token(logitsAfter(out), out.length));
  }
  return out;
}

type Propose = (tree: TokenTree, committed: readonly number[]) => void;

function drafted(length: number, temperature: number, seed: number, propose: Propose) {
  const out: number[] = [];
  const walk = new Walk(65);
  const tree = new TokenTree(64);
  let steps = 0;
  while (out.length < length && out.at(-1) !== EOS) {
    tree.clear();
    propose(tree, out);
    const logits = new Float32Array((tree.size + 1) * VOCAB);
    logits.set(logitsAfter(out));
    for (let node = 0; node < tree.size; node++) {
      const path: number[] = [];
      for (let at = node; at !== ROOT; at = tree.parents[at]!) path.unshift(tree.tokens[at]!);
      logits.set(logitsAfter([...out, ...path]), (node + 1) * VOCAB);
    }
    walk.accept(
      tree,
      logits,
      VOCAB,
      draw(temperature, seed),
      out.length,
      length - out.length,
      new Set([EOS]),
    );
    // Each drawn token committed the row it was drawn at: the path must be a path.
    for (let i = 1; i < walk.count; i++) {
      expect(tree.parents[walk.path[i]! - 1]! + 1).toBe(walk.path[i - 1]);
    }
    out.push(...walk.tokens.subarray(0, walk.count));
    steps++;
  }
  return { out, steps };
}

const HOSTILE: Record<string, (truth: number[]) => Propose> = {
  nothing: () => () => {},
  'all wrong': (truth) => (tree, out) => {
    const next = truth[out.length];
    for (let token = 0; token < VOCAB; token++)
      if (token !== next) tree.add(ROOT, token, 0.9, Source.draft);
  },
  'all right, beyond the end': (truth) => (tree, out) => {
    let node = ROOT;
    for (let i = out.length; i < truth.length + 3; i++)
      node = tree.add(node, truth[i] ?? 0, 1, Source.draft);
  },
  'right, then wrong siblings first': (truth) => (tree, out) => {
    let node = ROOT;
    for (let i = out.length; i < truth.length; i++) {
      for (let token = 0; token < VOCAB; token++)
        if (token !== truth[i]) tree.add(node, token, 0.5, Source.draft);
      node = tree.add(node, truth[i]!, 0.1, Source.draft);
      if (node < 0) return;
    }
  },
  'end token inside': () => (tree) => {
    const eos = tree.add(ROOT, EOS, 0.9, Source.draft);
    tree.add(eos, 0, 0.9, Source.draft);
  },
  'every path to depth two': () => (tree) => {
    for (let a = 0; a < VOCAB; a++) {
      const node = tree.add(ROOT, a, 0.2, Source.draft);
      for (let b = 0; b < VOCAB; b++) tree.add(node, b, 0.04, Source.draft);
    }
  },
};

describe.each([0, 0.8, 1.7])('at temperature %f', (temperature) => {
  test.each(Object.keys(HOSTILE))(
    "the answer is plain decoding's with drafts of kind: %s",
    (kind) => {
      for (let seed = 0; seed < 50; seed++) {
        const truth = plain(24, temperature, seed);
        expect(drafted(24, temperature, seed, HOSTILE[kind]!(truth)).out).toEqual(truth);
      }
    },
  );

  test('right drafts are accepted: 24 tokens take one step', () => {
    const seed = [...Array(200).keys()].find((s) => !plain(24, temperature, s).includes(EOS))!;
    const truth = plain(24, temperature, seed);
    const propose = HOSTILE['all right, beyond the end']!(truth);
    expect(drafted(24, temperature, seed, propose).steps).toBe(1);
  });

  test('any tree at all', () => {
    const nodes = fc.array(fc.tuple(fc.integer({ min: -1, max: 62 }), fc.nat(VOCAB - 1)), {
      maxLength: 64,
    });
    fc.assert(
      fc.property(fc.nat(), nodes, (seed, list) => {
        const propose: Propose = (tree) => {
          for (const [parent, token] of list) {
            tree.add(Math.min(parent, tree.size - 1), token, 0.5, Source.draft);
          }
        };
        expect(drafted(16, temperature, seed, propose).out).toEqual(plain(16, temperature, seed));
      }),
    );
  });
});

test('a draft is accepted with the probability that the target gives it, no less', () => {
  const temperature = 1;
  const logits = logitsAfter([]);
  const sum = logits.reduce((s, z) => s + Math.exp(z), 0);
  const tree = new TokenTree(8);
  tree.add(ROOT, 1, 0.5, Source.draft);
  tree.add(ROOT, 2, 0.5, Source.draft);
  const expected = (Math.exp(logits[1]!) + Math.exp(logits[2]!)) / sum;
  const rows = new Float32Array(3 * VOCAB);
  for (let row = 0; row < 3; row++) rows.set(logits, row * VOCAB);
  const walk = new Walk(8);
  let accepted = 0;
  const rounds = 20_000;
  for (let seed = 0; seed < rounds; seed++) {
    walk.accept(tree, rows, VOCAB, draw(temperature, seed), 0, 8, new Set());
    if (walk.count > 1) accepted++;
  }
  const deviation = Math.sqrt((expected * (1 - expected)) / rounds);
  expect(Math.abs(accepted / rounds - expected)).toBeLessThan(5 * deviation);
});
