/** The default rule draws what it drew on 30 November 2026: a seed keeps its text. */
import { expect, test } from 'vitest';
import { turnRule } from '../../gpu-backend/accept/turn-rule.ts';
import { Nucleus, type Warp } from '../../gpu-backend/accept/warp.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';
import { proposeSteadily } from './law.ts';

const LOGITS = Float32Array.of(1.2, -0.3, 0.9, 2.1, -1.5, 0, 1.25, -4, 0.7, 1.9);
/** The largest of each two logits. */
const PEAKS = Float32Array.of(1.2, 2.1, 0, 1.25, 1.9);
const POSITIONS = 32;

/** The tokens that are committed at positions 0 to 31 of one seed, as a digit each. */
function drawn(warp: Warp, tree: TokenTree, peaks?: Float32Array): string {
  const turn = turnOf({ prompt: Int32Array.of(0), seed: [20261130, 21], warp });
  const { rule } = turnRule(turn, {
    nucleus: new Nucleus(LOGITS.length),
    vocabSize: LOGITS.length,
    processors: [],
    hiddenAt: () => new Float32Array(0),
  });
  const at = (_: unknown, position: number) => rule.token(LOGITS, position, peaks, tree, ROOT);
  return Array.from({ length: POSITIONS }, at).join('');
}

test.each<[Warp, string]>([
  [{ temperature: 1, topK: 0, topP: 1 }, '88209193932929805929209396366956'],
  [{ temperature: 0.7, topK: 0, topP: 0.9 }, '99309393932929309939209396396906'],
  [{ temperature: 1.3, topK: 5, topP: 1 }, '99209393932929309029209396966906'],
  [{ temperature: 0, topK: 0, topP: 1 }, '3'.repeat(POSITIONS)],
])('with %o, drafted or not', (warp, tokens) => {
  const proposed = new TokenTree(64);
  proposeSteadily(proposed);
  expect(drawn(warp, new TokenTree(1))).toBe(tokens);
  expect(drawn(warp, proposed)).toBe(tokens);
  expect(drawn(warp, proposed, PEAKS)).toBe(tokens);
});
