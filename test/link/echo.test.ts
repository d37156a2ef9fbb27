/** The echo: what the worker ships is drafted from, for its turn and no other; and what it has, the worker doesn't send. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import { EchoMemories, MAX_MEMORIES } from '../../gpu-backend/drafters/echo-memory.ts';
import { Candidates } from '../../gpu-backend/turn/candidates.ts';
import { seeded } from '../../sim/random.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { beyondEcho } from '../../src/generate/beyond-echo.ts';
import { spareSpans } from '../../src/generate/prompt.ts';
import { SpanQueue } from '../../src/generate/span-queue.ts';
import {
  encodeSpans,
  FrameError,
  MAX_FRAME_SPAN_TOKENS,
  MAX_SPAN_TOKENS,
  MAX_SPANS,
  type Span,
} from '../../src/link/protocol/index.ts';
import { turnOf } from '../support/turn.ts';
import { question, World } from './simulated.ts';

const span = (tokens: number[], begins = false, source: Source = Source.tenant): Span => ({
  source,
  begins,
  tokens: Int32Array.from(tokens),
});

/** The most probable path of what the echo draws now. */
function draw(echo: EchoDrafter): { tokens: number[]; sources: number[] } {
  const tree = new TokenTree(64);
  echo.draft(tree, 32);
  tree.checkIntegrity();
  const path = { tokens: [] as number[], sources: [] as number[] };
  for (let node = ROOT; ; ) {
    let best = -1;
    for (let child = 0; child < tree.size; child++) {
      if (tree.parents[child] !== node) continue;
      if (best < 0 || tree.probs[child]! > tree.probs[best]!) best = child;
    }
    if (best < 0) return path;
    path.tokens.push(tree.tokens[best]!);
    path.sources.push(tree.sources[best]!);
    node = best;
  }
}

describe('spans', () => {
  const PROMPT = Int32Array.of(1, 2, 3, 4);

  test('are continued where the answer meets them, under their source', () => {
    const echo = new EchoDrafter();
    echo.begin(PROMPT, []);
    echo.learn([span([20, 21, 22, 23, 24], false, Source.corpus)]);
    echo.commit(Int32Array.of(20, 21));
    const { tokens, sources } = draw(echo);
    expect(tokens.slice(0, 3)).toEqual([22, 23, 24]);
    expect(new Set(sources)).toEqual(new Set([Source.corpus]));
  });

  test('that come late are matched with what was written before', () => {
    const echo = new EchoDrafter();
    echo.begin(PROMPT, []);
    echo.commit(Int32Array.of(9, 20, 21));
    expect(draw(echo).tokens).toEqual([]);
    echo.learn([span([20, 21, 22, 23])]);
    expect(draw(echo).tokens.slice(0, 2)).toEqual([22, 23]);
  });

  test('that begin an answer are drafted before its first token', () => {
    const echo = new EchoDrafter();
    echo.begin(PROMPT, []);
    echo.learn([span([7, 8, 9], false)]);
    expect(draw(echo).tokens).toEqual([]);
    echo.learn([span([30, 31, 32], true)]);
    expect(draw(echo).tokens.slice(0, 3)).toEqual([30, 31, 32]);
  });

  test('are not crossed: nothing is drafted from the end of one into the next', () => {
    const echo = new EchoDrafter();
    echo.begin(PROMPT, []);
    echo.learn([span([20, 21]), span([40, 41])]);
    echo.commit(Int32Array.of(20));
    expect(draw(echo).tokens).toEqual([21]);
  });

  test('are gone with their turn', () => {
    const echo = new EchoDrafter();
    echo.begin(PROMPT, []);
    echo.learn([span([20, 21, 22])]);
    echo.begin(PROMPT, []);
    echo.commit(Int32Array.of(20, 21));
    expect(draw(echo).tokens).not.toContain(22);
  });

  test('make steps fewer and leave the text as it is', async () => {
    const steps: number[] = [];
    for (const shipped of [false, true]) {
      const world = new World({ seed: 5 });
      const asked = question(world.random, 200);
      let count = 0;
      const outcome = await world.run(
        world.ask(asked, {
          spans: shipped ? [span([...asked.answer], true)] : [],
          read: (event) => {
            if (event.type === 'accept') count += event.steps;
          },
        }),
      );
      expect(outcome.text).toEqual([...asked.answer]);
      steps.push(count);
    }
    expect(steps[1]).toBeLessThan(steps[0]! / 2);
  });

  test('beyond the limit of a turn are refused', () => {
    const turn = turnOf({ prompt: Int32Array.of(1) });
    const candidates = new Candidates(turn, new EchoDrafter(), 1 << 16);
    const frame = encodeSpans([span(Array.from({ length: MAX_FRAME_SPAN_TOKENS }, (_, i) => i))]);
    for (let i = 0; i < MAX_SPAN_TOKENS / MAX_FRAME_SPAN_TOKENS; i++)
      candidates.receiveSpans(frame);
    expect(() => candidates.receiveSpans(encodeSpans([span([1])]))).toThrow(FrameError);
  });

  test('take as many frames as they need', async () => {
    const world = new World();
    const asked = question(world.random, 40);
    const spans = [
      ...Array.from({ length: MAX_SPANS + 3 }, (_, i) => span([i % 60])),
      span(Array.from({ length: MAX_FRAME_SPAN_TOKENS }, (_, i) => i % 60)),
      span(Array.from({ length: 5_000 }, (_, i) => i % 60)),
    ];
    const { text, failure } = await world.run(world.ask(asked, { spans }));
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
  });
});

describe('what is shipped to the echo', () => {
  const lengths = (spans: readonly Span[]) => spans.map(({ tokens }) => tokens.length);
  const ids = (length: number) => Array.from({ length }, (_, i) => i % 60);

  test('spare passages are those before the prompt', () => {
    const draftTokens = Int32Array.from({ length: 100 }, (_, i) => i);
    const draftRegions = [
      { start: 0, end: 30, source: Source.corpus },
      { start: 30, end: 50, source: Source.corpus },
      { start: 60, end: 70, source: Source.passage },
    ];
    const spans = spareSpans({ tokens: draftTokens.subarray(50), draftTokens, draftRegions });
    expect(lengths(spans)).toEqual([30, 20]);
    expect(spans[1]!.tokens[0]).toBe(30);
  });

  test('goes once, and again to a verifier that takes the turn over', () => {
    const queue = new SpanQueue();
    queue.push([span([1, 2])]);
    expect(lengths(queue.take())).toEqual([2]);
    queue.push([span([3])]);
    expect(lengths(queue.take())).toEqual([1]);
    expect(queue.take()).toEqual([]);
    expect(queue.shipped.map(({ tokens }) => [...tokens])).toEqual([[1, 2], [3]]);
  });

  test('is cut to frames: only the first part begins an answer', () => {
    const queue = new SpanQueue();
    queue.push([span(ids(MAX_FRAME_SPAN_TOKENS + 5), true), span([])]);
    const spans = queue.take();
    expect(lengths(spans)).toEqual([MAX_FRAME_SPAN_TOKENS, 5]);
    expect(spans.map(({ begins }) => begins)).toEqual([true, false]);
  });

  test('is no more than a turn may ship', () => {
    const queue = new SpanQueue();
    for (let i = 0; i < 10; i++) {
      queue.push([span(ids(5_000))]);
      queue.take();
    }
    const total = lengths(queue.shipped).reduce((sum, length) => sum + length, 0);
    expect(total).toBe(MAX_SPAN_TOKENS);
  });
});

describe('what the echo has', () => {
  const nodes = fc.array(fc.tuple(fc.integer({ min: -1, max: 40 }), fc.nat(30), fc.nat(9)), {
    maxLength: 60,
  });

  test('is left out of the tree, but for the way to what it has not', () => {
    fc.assert(
      fc.property(nodes, (list) => {
        const tree = new TokenTree(64);
        for (const [parent, token, source] of list) {
          tree.add(Math.min(parent, tree.size - 1), token, 0.5, source as Source);
        }
        const out = new TokenTree(64);
        beyondEcho(tree, out);
        out.checkIntegrity();
        const own = (source: number) => source >= Source.passage && source <= Source.output;
        const beyond = (t: TokenTree) =>
          t.sources.subarray(0, t.size).filter((s) => !own(s)).length;
        expect(beyond(out)).toBe(beyond(tree));
        // Every leaf is worth its way.
        const leaves = new Set(Array.from({ length: out.size }, (_, i) => i));
        for (let i = 0; i < out.size; i++) leaves.delete(out.parents[i]!);
        for (const leaf of leaves) expect(own(out.sources[leaf]!)).toBe(false);
      }),
    );
  });
});

describe('what echoes keep', () => {
  const remembering = (namespace: string) => ({ namespace, remember: true });

  test("are a tenant's own, kept over its turns, and bounded", () => {
    const memories = new EchoMemories();
    const first = memories.of(remembering('a'));
    expect(memories.of(remembering('a'))).toBe(first);
    expect(memories.of(remembering('b'))).not.toBe(first);
    for (let i = 0; i < MAX_MEMORIES - 1; i++) {
      memories.of(remembering(`n${i}`));
      memories.of(remembering('a'));
    }
    expect(memories.size).toBe(MAX_MEMORIES);
    expect(memories.of(remembering('a'))).toBe(first);
  });

  const successors = (first: number) => Int32Array.from({ length: 8 }, (_, i) => first + i);

  test('successors are drafted from in later turns of the namespace, and in no other’s', () => {
    const memories = new EchoMemories();
    const begun = (namespace: string, remember = true) => {
      const echo = new EchoDrafter(memories.of({ namespace, remember }));
      echo.begin(Int32Array.of(1, 2, 3), []);
      return echo;
    };
    const first = begun('a');
    expect(draw(first).tokens).toEqual([]);
    first.observe(3, successors(70));
    for (const echo of [first, begun('a')]) {
      const { tokens, sources } = draw(echo);
      expect(tokens[0]).toBe(70);
      expect(sources[0]).toBe(Source.recycling);
    }
    expect(draw(begun('b')).tokens).toEqual([]);
    expect(draw(begun('a', false)).tokens).toEqual([]);
  });

  test('a turn that is not remembered leaves no successors', () => {
    const memories = new EchoMemories();
    const echo = new EchoDrafter(memories.of({ namespace: 'a', remember: false }));
    echo.begin(Int32Array.of(3), []);
    echo.observe(3, successors(70));
    expect(draw(echo).tokens[0]).toBe(70);
    const next = new EchoDrafter(memories.of(remembering('a')));
    next.begin(Int32Array.of(3), []);
    expect(draw(next).tokens).toEqual([]);
  });

  test('two turns at once stand at places of their own', () => {
    const memory = new EchoMemories().of(remembering('a'));
    const [one, other] = [new EchoDrafter(memory), new EchoDrafter(memory)];
    one.begin(Int32Array.of(3), []);
    other.begin(Int32Array.of(4), []);
    one.observe(3, successors(70));
    one.observe(4, successors(90));
    expect([draw(one).tokens[0], draw(other).tokens[0]]).toEqual([70, 90]);
  });

  test('learn from turns without changing what is written', async () => {
    const random = seeded(3);
    const world = new World({ seed: 9 });
    for (let turn = 0; turn < 5; turn++) {
      const asked = question(random, 60);
      expect((await world.run(world.ask(asked))).text).toEqual([...asked.answer]);
    }
  });
});
