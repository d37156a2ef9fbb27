/** Exact: with every tree, the tokens that the walk commits are those that plain decoding draws. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draw } from '../../gpu-backend/accept/draw.ts';
import { Walk } from '../../gpu-backend/accept/walk.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { drafted, EOS, HOSTILE, logitsAfter, type Propose, plain, VOCAB } from './table-model.ts';

const draw = (temperature: number, seed: number) =>
  new Draw({ temperature, topK: 0, topP: 1 }, [seed, 0], new Nucleus(VOCAB));

describe.each([0, 0.8, 1.7])('at temperature %f', (temperature) => {
  test.each(Object.keys(HOSTILE))(
    "the answer is plain decoding's with drafts of kind: %s",
    (kind) => {
      for (let seed = 0; seed < 50; seed++) {
        const truth = plain(24, draw(temperature, seed));
        expect(drafted(24, draw(temperature, seed), HOSTILE[kind]!(truth)).out).toEqual(truth);
      }
    },
  );

  test('right drafts are accepted: 24 tokens take one step', () => {
    const seed = [...Array(200).keys()].find(
      (s) => !plain(24, draw(temperature, s)).includes(EOS),
    )!;
    const truth = plain(24, draw(temperature, seed));
    const propose = HOSTILE['all right, beyond the end']!(truth);
    expect(drafted(24, draw(temperature, seed), propose).steps).toBe(1);
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
        expect(drafted(16, draw(temperature, seed), propose).out).toEqual(
          plain(16, draw(temperature, seed)),
        );
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
    walk.descend(tree, { logits: rows }, VOCAB, draw(temperature, seed), 0, 8, new Set());
    if (walk.count > 1) accepted++;
  }
  const deviation = Math.sqrt((expected * (1 - expected)) / rounds);
  expect(Math.abs(accepted / rounds - expected)).toBeLessThan(5 * deviation);
});
