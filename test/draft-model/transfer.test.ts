/** RAPID's transfer: its law, enumerated; its words on the wire; and that nobody gets it who did not ask. */
import { beforeAll, describe, expect, test } from 'vitest';
import { streamChat } from '../../bench/stream-chat.ts';
import { Draw } from '../../gpu-backend/accept/draw.ts';
import { Transfer, transfer } from '../../gpu-backend/accept/transfer.ts';
import { Walk } from '../../gpu-backend/accept/walk.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import {
  type DraftWord,
  decodeTree,
  encodeTree,
  FrameError,
  MAX_WORD_TOKENS,
} from '../../src/link/protocol/index.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const VOCAB = 4;
const softmax = (z: readonly number[], T = 1) => {
  const e = z.map((value) => Math.exp(value / T));
  const sum = e.reduce((a, b) => a + b);
  return e.map((value) => value / sum);
};

/** All ways to give `parts` fifths to the vocabulary. */
function* distributions(parts = 5, tokens = VOCAB): Generator<number[]> {
  if (tokens === 1) return yield [parts / 5];
  for (let i = 0; i <= parts; i++) {
    for (const rest of distributions(parts - i, tokens - 1)) yield [i / 5, ...rest];
  }
}

function wordOf(q: readonly number[]): Pick<DraftWord, 'tokens' | 'probs'> {
  return {
    tokens: Int32Array.from(q, (_, id) => id),
    probs: Uint8Array.from(q, (value) => Math.round(value * 255)),
  };
}

/** The paper's rule with the exact residual, summed over every draft and outcome: what is committed. */
function lawOfRejection(pHat: readonly number[], q: readonly number[]): number[] {
  const accepted = q.map((value, x) => Math.min(value, pHat[x]!));
  const rest = 1 - accepted.reduce((a, b) => a + b, 0);
  const residual = pHat.map((value, x) => Math.max(value - q[x]!, 0));
  const mass = residual.reduce((a, b) => a + b, 0);
  return accepted.map((value, x) => value + (mass > 0 ? (rest * residual[x]!) / mass : 0));
}

test('over all q in fifths: the logits become those of p̂, whose law rejection with the exact residual has', () => {
  let moved = 0;
  for (const q of distributions()) {
    for (const z of [
      [0, 0, 0, 0],
      [2, 1, 0, -1],
      [-3, 0, 4, 0.5],
    ]) {
      for (const [eta, T] of [
        [0, 1],
        [5, 1],
        [10, 0.7],
        [50, 1.3],
      ] as const) {
        const logits = Float32Array.from(z);
        transfer(logits, wordOf(q), eta, T);
        const p = softmax(z, T);
        const most = Math.max(...q);
        const expected = z.map((value, x) =>
          q[x]! > 0 && q[x]! >= 0.1 * most ? value + eta * T * (q[x]! - p[x]!) : value,
        );
        for (const [x, value] of expected.entries()) expect(logits[x]).toBeCloseTo(value, 4);
        const pHat = softmax([...logits], T);
        for (const [x, value] of lawOfRejection(pHat, q).entries()) {
          expect(value).toBeCloseTo(pHat[x]!, 12);
        }
        if (eta === 0) expect([...logits]).toEqual([...Float32Array.from(z)]);
        else if (pHat.some((value, x) => Math.abs(value - p[x]!) > 0.01)) moved++;
      }
    }
  }
  expect(moved).toBeGreaterThan(300);
});

describe('through the walk', () => {
  const z = [1, 0.5, 0, -1];
  const q = [0, 0.2, 0.8, 0];
  const eta = 2;
  const pHat = () => {
    const logits = Float32Array.from(z);
    transfer(logits, wordOf(q), eta, 1);
    return softmax([...logits]);
  };
  const warp = { temperature: 1, topK: 0, topP: 1 };

  const DRAWS = 100_000;
  /** 99.99 % quantile of χ² with 3 degrees of freedom. */
  const CHI2_LIMIT = 21.1;

  function frequencies(tree: TokenTree): number[] {
    const counts = new Array<number>(VOCAB).fill(0);
    const rows = Float32Array.from(Array.from({ length: tree.size + 1 }, () => z).flat());
    const walk = new Walk(1);
    const nucleus = new Nucleus(VOCAB);
    const word = wordOf(q);
    for (let seed = 0; seed < DRAWS; seed++) {
      const moved = new Transfer(eta, warp.temperature, 10);
      const draw = new Draw(warp, [seed, 7], nucleus, [moved]);
      moved.learn(tree, 10, [{ node: ROOT, ...word }]);
      walk.descend(tree, { logits: rows }, VOCAB, draw, 10, 1, new Set());
      counts[walk.tokens[0]!]!++;
    }
    return counts.map((count) => count / DRAWS);
  }

  test('what is committed has the law p̂, whatever was drafted', () => {
    const empty = frequencies(new TokenTree(1));
    const full = new TokenTree(4);
    for (const token of [2, 1]) full.add(ROOT, token, 0.5, Source.draft);
    // The noise is the seed's: with a tree and without the very same draws.
    expect(frequencies(full)).toEqual(empty);
    const chiSquared = (law: readonly number[]) =>
      law.reduce((sum, px, x) => sum + (DRAWS * (empty[x]! - px) ** 2) / px, 0);
    expect(chiSquared(pHat())).toBeLessThan(CHI2_LIMIT);
    // It would notice the target's own law.
    expect(chiSquared(softmax(z))).toBeGreaterThan(CHI2_LIMIT);
  });

  test('a word counts only after the text it was said of, and not at temperature 0', () => {
    const tree = new TokenTree(2);
    const a = tree.add(ROOT, 3, 0.5, Source.draft);
    const logits = Float32Array.from(z);
    for (let seed = 0; seed < 200; seed++) {
      const plain = new Draw(warp, [seed, 0], new Nucleus(VOCAB));
      const transfer = new Transfer(50, warp.temperature, 10);
      const moved = new Draw(warp, [seed, 0], new Nucleus(VOCAB), [transfer]);
      transfer.learn(tree, 10, [{ node: a, ...wordOf([0, 0, 0, 1]) }]);
      const first = moved.token(logits, 10);
      expect(first).toBe(plain.token(logits, 10));
      const second = moved.token(logits, 11);
      if (first === 3) expect(second).toBe(3);
      else expect(second).toBe(plain.token(logits, 11));
    }
    const transfer = new Transfer(50, 0, 10);
    const greedy = new Draw({ ...warp, temperature: 0 }, [1, 1], new Nucleus(VOCAB), [transfer]);
    transfer.learn(tree, 10, [{ node: ROOT, ...wordOf([0, 0, 0, 1]) }]);
    expect(greedy.token(logits, 10)).toBe(0);
  });
});

describe('on the wire', () => {
  const tree = new TokenTree(4);
  tree.add(ROOT, 9, 0.5, Source.draft);
  const word = (node: number, size = 2, wide = 0): DraftWord => ({
    node,
    tokens: Int32Array.from({ length: size }, (_, i) => i + wide),
    probs: Uint8Array.from({ length: size }, (_, i) => 200 - i),
  });

  test.each([0, 70_000])('words come back as they went, ids from %i', (wide) => {
    const sent = [word(ROOT, 1, wide), word(0, MAX_WORD_TOKENS, wide)];
    const words: DraftWord[] = [];
    expect(decodeTree(encodeTree(tree, 5, sent), new TokenTree(), words)).toBe(5);
    expect(words).toEqual(sent);
  });

  test('hostile ones are refused, wherever they are cut', () => {
    const refuse = (words: DraftWord[]) =>
      expect(() => decodeTree(encodeTree(tree, 5, words), new TokenTree())).toThrow(FrameError);
    refuse([word(1)]);
    refuse([word(0, MAX_WORD_TOKENS + 1)]);
    refuse([word(0, 0)]);
    refuse(Array.from({ length: 65 }, () => word(0)));
    const whole = encodeTree(tree, 5, [word(0)]);
    for (let bytes = 0; bytes < whole.length; bytes++) {
      expect(() => decodeTree(whole.subarray(0, bytes), new TokenTree())).toThrow(FrameError);
    }
    expect(() => decodeTree(new Uint8Array([...whole, 0]), new TokenTree())).toThrow(FrameError);
  });
});

describe('in the service', () => {
  let service: SharedService;
  beforeAll(async () => {
    service = await sharedService({ demo: false });
    await fetch(`${service.url}/health`);
  });

  async function ask(seed: number, temperature: number, speculation: object) {
    const { text, usage } = await streamChat(service.url, {
      messages: [{ role: 'user', content: 'How do I deploy a worker?' }],
      temperature,
      seed,
      max_tokens: 40,
      speculation: { memory: false, ...speculation },
    });
    const told = usage.speculation as { lossy?: string; moved?: number } | undefined;
    return { text, lossy: told?.lossy, moved: told?.moved };
  }

  test('at η = 0, and at temperature 0, the answer is the default’s', async () => {
    for (const seed of [1, 2, 3]) {
      const plain = await ask(seed, 0.8, {});
      expect(plain.lossy).toBeUndefined();
      expect((await ask(seed, 0.8, { transfer: 0 })).text).toBe(plain.text);
    }
    const greedy = await ask(1, 0, { transfer: 20 });
    expect(greedy.text).toBe((await ask(1, 0, {})).text);
    expect(greedy.lossy).toBeUndefined();
    expect(greedy.moved).toBeUndefined();
  });

  test('on request the answer is moved, and says so', async () => {
    let moved = 0;
    for (let seed = 0; seed < 8; seed++) {
      const plain = await ask(seed, 1, {});
      const other = await ask(seed, 1, { transfer: 50, ablation: { trees: 'lockstep' } });
      expect(other.lossy).toBe('transfer');
      expect(other.moved).toBeGreaterThan(0);
      expect(other.moved).toBeLessThanOrEqual(1);
      if (other.text !== plain.text) moved++;
    }
    expect(moved).toBeGreaterThan(0);
  });

  test('in lockstep an empty tree is sent too: without a draft model nothing is moved', async () => {
    const lockstep = { transfer: 50, draft_model: 'off', ablation: { trees: 'lockstep' } };
    const unmoved = await ask(1, 1, lockstep);
    expect(unmoved.text).toBe((await ask(1, 1, {})).text);
    expect(unmoved.moved).toBe(0);
  });
});
