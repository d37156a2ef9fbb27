import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import type { Drafter } from '../../src/draft/drafter.ts';
import { Source } from '../../src/draft/source.ts';
import { MAX_SESSION_TOKENS, SessionStore } from '../../src/draft/stores/session-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';
import { followersOf } from '../support/followers.ts';

function drafted(drafter: Drafter, budget = 16): TokenTree {
  const tree = new TokenTree();
  drafter.draft(tree, budget);
  tree.checkIntegrity();
  return tree;
}

function firstPath(tree: TokenTree): number[] {
  const path: number[] = [];
  for (let node = 0, parent = ROOT; node < tree.size; node++) {
    if (tree.parents[node] !== parent) continue;
    path.push(tree.tokens[node]!);
    parent = node;
  }
  return path;
}

describe('a draft', () => {
  const TEXT = Int32Array.of(1, 2, 3, 1, 2, 4, 1, 2, 3, 5, 1, 2);

  test('leaves out what nobody would take, and nothing else', () => {
    const paths = (least?: number) => {
      const drafter = new BlendDrafter([new SessionStore()]);
      drafter.begin(TEXT, []);
      const tree = new TokenTree();
      drafter.draft(tree, 16, least);
      tree.checkIntegrity();
      return [...tree.tokens.subarray(0, tree.size)].map((token, i) => [token, tree.probs[i]!]);
    };
    const all = paths();
    const likely = paths(0.1);
    expect(likely.length).toBeGreaterThan(1);
    expect(likely.length).toBeLessThan(all.length);
    expect(likely).toEqual(all.filter(([, prob]) => prob! >= 0.1));
  });

  test('goes on behind tokens that came while nobody drafted', () => {
    const drafters = [new TurnDrafter(), new TurnDrafter()];
    for (const drafter of drafters) drafter.begin(TEXT, []);
    drafters[0]!.commit(Int32Array.of(3, 5));
    drafters[1]!.follow(Int32Array.of(3, 5));
    const [committed, followed] = drafters.map((drafter) => firstPath(drafted(drafter)));
    expect(followed!.slice(0, 4)).toEqual([1, 2, 3, 5]);
    expect(followed!.slice(0, 4)).toEqual(committed!.slice(0, 4));
    for (const drafter of drafters) drafter.checkIntegrity();
  });
});

describe('the session store', () => {
  test('continues what it has seen', () => {
    const drafter = new TurnDrafter();
    drafter.begin(Int32Array.of(5, 6, 7, 8, 9, 10, 5, 6), []);
    expect(firstPath(drafted(drafter, 4))).toEqual([7, 8, 9, 10]);
  });

  test('follows the answer as it grows, and forgets it with the turn', () => {
    const drafter = new TurnDrafter();
    drafter.begin(Int32Array.of(1, 2), []);
    drafter.commit(Int32Array.of(30, 31, 32, 30));
    expect(drafted(drafter).child(ROOT, 31)).toBe(0);
    drafter.begin(Int32Array.of(1, 30), []);
    expect(drafted(drafter).child(ROOT, 31)).toBe(-1);
  });

  test('names the region that a token was found in', () => {
    const prompt = Int32Array.of(1, 2, 3, /**/ 10, 11, 12, /**/ 4, 5, 10);
    const drafter = new TurnDrafter();
    drafter.begin(prompt, [{ start: 3, end: 6, source: Source.passage }]);
    let tree = drafted(drafter);
    expect(tree.sources[tree.child(ROOT, 11)]).toBe(Source.passage);
    drafter.commit(Int32Array.of(1));
    tree = drafted(drafter);
    expect(tree.sources[tree.child(ROOT, 2)]).toBe(Source.prompt);
    drafter.commit(Int32Array.of(40, 41, 40));
    tree = drafted(drafter);
    expect(tree.sources[tree.child(ROOT, 41)]).toBe(Source.output);
  });

  test('never continues across the end of a passage', () => {
    const drafter = new TurnDrafter();
    const prompt = Int32Array.of(1, 10, 11, 20, 21, 2, 11);
    drafter.begin(prompt, [
      { start: 1, end: 3, source: Source.passage },
      { start: 3, end: 5, source: Source.passage },
    ]);
    expect(followersOf(drafter)).toEqual(new Set());
  });

  test('stays within its budget, fuses with what is there, and repeats itself exactly', () => {
    const text = fc.array(fc.nat(6), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(text, text, fc.nat(64), (prompt, output, budget) => {
        const drafter = new TurnDrafter();
        drafter.begin(Int32Array.from(prompt), []);
        drafter.commit(Int32Array.from(output));
        const tree = drafted(drafter, budget);
        expect(tree.size).toBeLessThanOrEqual(budget);
        for (let node = 0; node < tree.size; node++) {
          const parent = tree.parents[node]!;
          const above = parent === ROOT ? 1 : tree.probs[parent]!;
          expect(tree.probs[node]).toBeLessThanOrEqual(above);
        }
        const again = drafted(drafter, budget);
        expect(again.tokens).toEqual(tree.tokens);
        const fused = new TokenTree(8);
        fused.add(ROOT, 3, 0.5, Source.draft);
        drafter.draft(fused, budget);
        fused.checkIntegrity();
        expect(fused.sources[fused.child(ROOT, 3)]).toBe(Source.draft);
      }),
    );
  });

  test('children of a node share out at most its probability', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 200 }), (prompt) => {
        const drafter = new TurnDrafter();
        drafter.begin(Int32Array.from(prompt), []);
        const tree = drafted(drafter, 64);
        const spent = new Map<number, number>();
        for (let node = 0; node < tree.size; node++) {
          const parent = tree.parents[node]!;
          spent.set(parent, (spent.get(parent) ?? 0) + tree.probs[node]!);
        }
        for (const [parent, sum] of spent) {
          expect(sum).toBeLessThanOrEqual((parent === ROOT ? 1 : tree.probs[parent]!) + 1e-5);
        }
      }),
    );
  });

  test('a prompt beyond its limit is learned from its end', () => {
    const prompt = new Int32Array(MAX_SESSION_TOKENS + 10).map((_, i) => i % 1000);
    const session = new SessionStore();
    const drafter = new BlendDrafter([session]);
    drafter.begin(prompt, []);
    drafter.commit(Int32Array.of(1, 2, 3));
    expect(session.automaton.tokens).toBe(MAX_SESSION_TOKENS);
    expect(drafted(drafter).size).toBeGreaterThan(0);
  });

  test('refuses a region outside the prompt', () => {
    const drafter = new TurnDrafter();
    const region = { start: 0, end: 3, source: Source.passage };
    expect(() => drafter.begin(Int32Array.of(1), [region])).toThrow(/not inside the prompt/);
  });
});
