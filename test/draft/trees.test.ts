/** What selecting, re-rooting and fusing keep: a valid tree, and the paths that it should hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allotNodes, type GrowingStep } from '../../src/draft/tree/budget.ts';
import { fuse } from '../../src/draft/tree/fuse.ts';
import { reroot } from '../../src/draft/tree/reroot.ts';
import { selectBest } from '../../src/draft/tree/select.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';

/** Trees with falling path probabilities: each node names an earlier one and a share of its probability. */
const trees = fc
  .array(fc.tuple(fc.nat(), fc.nat(5), fc.double({ min: 0.01, max: 1, noNaN: true })), {
    maxLength: 60,
  })
  .map((rows) => {
    const tree = new TokenTree();
    for (const [pick, token, share] of rows) {
      const parent = (pick % (tree.size + 1)) - 1;
      const above = parent === ROOT ? 1 : tree.probs[parent]!;
      if (tree.child(parent, token) < 0) tree.add(parent, token, Math.max(1e-30, above * share), 3);
    }
    return tree;
  });

function paths(tree: TokenTree): Map<string, number> {
  const keys: string[] = [];
  const found = new Map<string, number>();
  for (let node = 0; node < tree.size; node++) {
    const parent = tree.parents[node]!;
    keys.push(`${parent === ROOT ? '' : keys[parent]} ${tree.tokens[node]}`);
    found.set(keys[node]!, tree.probs[node]!);
  }
  return found;
}

describe('selecting', () => {
  test('keeps the most probable paths, closed under ancestors', () => {
    fc.assert(
      fc.property(trees, fc.integer({ min: 1, max: 70 }), (tree, budget) => {
        const into = new TokenTree(64);
        const count = selectBest(tree, into, budget);
        into.checkIntegrity();
        expect(count).toBe(Math.min(budget, tree.size, 64));
        const all = paths(tree);
        const kept = paths(into);
        const worst = Math.min(...kept.values());
        for (const [path, prob] of all) if (prob > worst) expect(kept.has(path)).toBe(true);
        for (const [path, prob] of kept) expect(all.get(path)).toBe(prob);
      }),
    );
  });
});

/** A step of one session whose cost is a function of its nodes. */
function stepOf(cost: (nodes: number) => number): GrowingStep {
  let nodes = 0;
  return {
    get cost() {
      return cost(nodes);
    },
    add() {
      nodes++;
    },
  };
}

describe('allotting', () => {
  const falling = (p: number, count: number) =>
    Float64Array.from({ length: count }, (_, i) => p ** (i + 1));

  test('stops where another node costs more than it commits', () => {
    const one = (cost: (nodes: number) => number) =>
      allotNodes([falling(0.8, 8)], stepOf(cost)).nodes[0]!;
    expect(one(() => 1)).toBe(8);
    expect(one((n) => 1 + n)).toBe(0);
    const linear = (n: number) => 1 + 0.2 * n;
    const count = one(linear);
    let expected = 1;
    for (let n = 0; n < count; n++) {
      const p = 0.8 ** (n + 1);
      expect(p).toBeGreaterThanOrEqual((0.2 * expected) / linear(n));
      expected += p;
    }
    expect(0.8 ** (count + 1)).toBeLessThan((0.2 * expected) / linear(count));
  });

  test('looks past a riser of the cost to the plateau after it', () => {
    const tiled = (n: number) => (n <= 4 ? 1 : n <= 16 ? 2 : 4);
    expect(allotNodes([falling(0.95, 16)], stepOf(tiled)).nodes[0]).toBe(16);
  });

  test('takes the most probable nodes of all sessions, as many as are worth a step of all of them', () => {
    const one = fc.double({ min: 0, max: 1, noNaN: true });
    const lists = fc.array(fc.array(one, { maxLength: 6 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(lists, fc.double({ min: 0, max: 0.5, noNaN: true }), (probs, slope) => {
        const sorted = probs.map((list) => list.toSorted((a, b) => b - a));
        const cost = (nodes: number) => 1 + slope * nodes;
        const { nodes, ...costs } = allotNodes(sorted, stepOf(cost));
        const total = nodes.reduce((sum, count) => sum + count, 0);
        expect(costs).toEqual({ cost: cost(total), plainCost: cost(0) });
        const gain = (list: number[], count: number) =>
          list.slice(0, count).reduce((sum, p) => sum + p, 0);
        const rate =
          sorted.reduce((sum, list, i) => sum + 1 + gain(list, nodes[i]!), 0) / cost(total);
        const all = sorted.flat().toSorted((a, b) => b - a);
        for (let n = 0; n <= all.length; n++) {
          const other = (sorted.length + gain(all, n)) / cost(n);
          expect(rate).toBeGreaterThanOrEqual(other - 1e-9);
        }
      }),
    );
  });
});

describe('re-rooting', () => {
  test('keeps exactly what continues the committed path, given the path', () => {
    fc.assert(
      fc.property(trees, fc.nat(), (tree, pick) => {
        fc.pre(tree.size > 0);
        const node = pick % tree.size;
        const tokens: number[] = [];
        for (let at = node; at !== ROOT; at = tree.parents[at]!) tokens.unshift(tree.tokens[at]!);
        const into = new TokenTree();
        expect(reroot(tree, tokens, into)).toBe(true);
        into.checkIntegrity();
        const prefix = ` ${tokens.join(' ')}`;
        const rest = [...paths(tree)].filter(([path]) => path.startsWith(`${prefix} `));
        const left = paths(into);
        expect(left.size).toBe(rest.length);
        for (const [path, prob] of rest) {
          expect(left.get(path.slice(prefix.length))).toBeCloseTo(prob / tree.probs[node]!, 5);
        }
      }),
    );
  });

  test('says that the path is gone', () => {
    const tree = new TokenTree();
    tree.add(ROOT, 1, 0.5, 3);
    const into = new TokenTree();
    into.add(ROOT, 9, 0.5, 3);
    expect(reroot(tree, [2], into)).toBe(false);
    expect(into.size).toBe(0);
  });
});

describe('fusing', () => {
  test('holds the paths of both, with the higher probability', () => {
    fc.assert(
      fc.property(trees, trees, (a, b) => {
        const both = new TokenTree();
        expect(fuse(both, a)).toBe(0);
        expect(fuse(both, b)).toBe(0);
        both.checkIntegrity();
        const [inA, inB] = [paths(a), paths(b)];
        const fused = paths(both);
        expect(new Set(fused.keys())).toEqual(new Set([...inA.keys(), ...inB.keys()]));
        for (const [path, prob] of fused) {
          expect(prob).toBe(Math.max(inA.get(path) ?? 0, inB.get(path) ?? 0));
        }
      }),
    );
  });

  test('a full tree takes what has room and stays whole', () => {
    fc.assert(
      fc.property(trees, trees, (a, b) => {
        const both = new TokenTree(10);
        const left = fuse(both, a) + fuse(both, b);
        both.checkIntegrity();
        const distinct = new Set([...paths(a).keys(), ...paths(b).keys()]).size;
        expect(left === 0).toBe(distinct <= 10);
      }),
    );
  });
});
