/** A "model" that is a table of logits by prefix, so that a tree's rows can be filled without a network. */
import { expect } from 'vitest';
import type { Draw } from '../../gpu-backend/accept/draw.ts';
import type { LogitsProcessor } from '../../gpu-backend/accept/logits-processor.ts';
import { Walk } from '../../gpu-backend/accept/walk.ts';
import { Noise } from '../../src/draft/noise.ts';
import { Source } from '../../src/draft/source.ts';
import { prune } from '../../src/draft/tree/prune.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';

export const VOCAB = 5;
export const EOS = 4;

/** Logits after a prefix: any fixed function of it serves. */
export function logitsAfter(prefix: readonly number[]): Float32Array {
  const key = prefix.reduce((h, token) => (Math.imul(h, 31) + token + 1) | 0, 7);
  const noise = new Noise([key >>> 0, 1]);
  noise.at(0);
  return Float32Array.from({ length: VOCAB }, (_, id) => noise.gumbel(id) - (id === EOS ? 2 : 0));
}

/** Token by token, of at most `length`. `out`: what is said already. */
export function plain(length: number, draw: Draw, out: number[] = []): number[] {
  while (out.length < length && out.at(-1) !== EOS) {
    out.push(draw.token(logitsAfter(out), out.length));
  }
  return out;
}

export type Propose = (tree: TokenTree, committed: readonly number[]) => void;

/** The same through trees and the walk. `pruning`: which of the draw's processors prune them. */
export function drafted(
  length: number,
  draw: Draw,
  propose: Propose,
  pruning: readonly LogitsProcessor[] = [],
) {
  const out: number[] = [];
  const walk = new Walk(65);
  const tree = new TokenTree(64);
  const proposed = new TokenTree(64);
  let steps = 0;
  while (out.length < length && out.at(-1) !== EOS) {
    proposed.clear();
    propose(proposed, out);
    const ruledOut = new Uint8Array(proposed.size);
    for (const processor of pruning) processor.ruleOut?.(proposed, ruledOut);
    prune(proposed, ruledOut, tree);
    tree.checkIntegrity();
    const logits = new Float32Array((tree.size + 1) * VOCAB);
    logits.set(logitsAfter(out));
    for (let node = 0; node < tree.size; node++) {
      const path: number[] = [];
      for (let at = node; at !== ROOT; at = tree.parents[at]!) path.unshift(tree.tokens[at]!);
      logits.set(logitsAfter([...out, ...path]), (node + 1) * VOCAB);
    }
    const raw = logits.slice();
    walk.descend(tree, { logits }, VOCAB, draw, out.length, length - out.length, new Set([EOS]));
    // Log-probabilities are read from the rows afterwards: they must be the target's own.
    expect(logits).toEqual(raw);
    // Each drawn token committed the row it was drawn at: the path must be a path.
    for (let i = 1; i < walk.count; i++) {
      expect(tree.parents[walk.path[i]! - 1]! + 1).toBe(walk.path[i - 1]);
    }
    out.push(...walk.tokens.subarray(0, walk.count));
    steps++;
  }
  return { out, steps };
}

/** Drafters that know the answer, and use that in the worst ways. */
export const HOSTILE: Record<string, (truth: number[]) => Propose> = {
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
