/** On request the link tells log-probabilities: the same with and without drafts, across failover, and merged without loss. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logNormalizer, topTokens } from '../../gpu-backend/logits/top-tokens.ts';
import {
  type Accept,
  decodeAccept,
  encodeAccept,
  FrameError,
  LEAST_LOGPROB,
  type Logprobs,
  MAX_LOGPROBS,
  MAX_TOKEN_ID,
  mergeLogprobs,
  type OpenSettings,
} from '../../src/link/protocol/index.ts';
import { sequentialLogits } from '../engine/driver.ts';
import { temporaryFolder } from '../engine/models.ts';
import { triesOf } from '../support/whole.ts';
import { type RealVerifier, startRealVerifier } from './real-verifier.ts';
import { question, World } from './simulated.ts';

const token = fc.integer({ min: 0, max: MAX_TOKEN_ID });
const logprob = fc.double({ min: LEAST_LOGPROB, max: 0, noNaN: true }).map(Math.fround);
const ids = (n: number) => fc.array(token, { minLength: n, maxLength: n });
const floats = (n: number) => fc.array(logprob, { minLength: n, maxLength: n });

const logprobs = (n: number): fc.Arbitrary<Logprobs> =>
  fc.nat(MAX_LOGPROBS).chain((top) =>
    fc.tuple(floats(n), ids(n * top), floats(n * top)).map(([committed, topIds, values]) => ({
      top,
      committed: Float32Array.from(committed),
      topIds: Int32Array.from(topIds),
      topLogprobs: Float32Array.from(values),
    })),
  );

const accept: fc.Arbitrary<Accept> = fc.integer({ min: 1, max: 30 }).chain((n) =>
  fc.tuple(ids(n), fc.option(logprobs(n))).map(([tokens, P]) => ({
    position: 7,
    tokens: Int32Array.from(tokens),
    sources: new Uint8Array(n),
    steps: 1,
    drafted: 2,
    credit: 3,
    stepMicros: 4,
    ...(P && { logprobs: P }),
  })),
);

describe('the frame', () => {
  test('carries them or not, and refuses every cut', () => {
    fc.assert(
      fc.property(accept, fc.nat(), (sent, at) => {
        const bytes = encodeAccept(sent);
        expect(decodeAccept(bytes)).toEqual(sent);
        expect(() => decodeAccept(bytes.subarray(0, at % bytes.length))).toThrow(FrameError);
        expect(() => decodeAccept(Uint8Array.of(...bytes, 0))).toThrow(FrameError);
      }),
    );
  });

  test('of hostile bytes is decoded or refused', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(accept, change, (sent, changes) => {
        const bytes = encodeAccept(sent);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        bytes[0] = 0x82;
        try {
          decodeAccept(bytes);
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
        }
      }),
      { numRuns: triesOf({ part: 2_000, whole: 10_000 }) },
    );
  });

  test('refuses by name what is beyond its limits', () => {
    const base = {
      position: 0,
      tokens: Int32Array.of(1),
      sources: new Uint8Array(1),
      steps: 1,
      drafted: 0,
      credit: 0,
      stepMicros: 0,
    };
    const sectionAt = 16 + 3;
    const probabilities = {
      top: 0,
      committed: Float32Array.of(-1),
      topIds: new Int32Array(0),
      topLogprobs: new Float32Array(0),
    };
    const frame = encodeAccept({ ...base, logprobs: probabilities });
    new DataView(frame.buffer).setUint16(sectionAt, MAX_LOGPROBS + 1, true);
    expect(() => decodeAccept(frame)).toThrow(/alternatives/);
    for (const value of [0.5, Number.NaN, -Infinity, LEAST_LOGPROB - 1]) {
      const wrong = { ...probabilities, committed: Float32Array.of(value) };
      expect(() => decodeAccept(encodeAccept({ ...base, logprobs: wrong }))).toThrow(
        /log-probability/,
      );
    }
  });
});

test('merged log-probabilities stand in the order of their tokens', () => {
  const one = (value: number): Logprobs => ({
    top: 1,
    committed: Float32Array.of(value),
    topIds: Int32Array.of(-value),
    topLogprobs: Float32Array.of(value / 2),
  });
  expect(mergeLogprobs(one(-2), one(-4))).toEqual({
    top: 1,
    committed: Float32Array.of(-2, -4),
    topIds: Int32Array.of(2, 4),
    topLogprobs: Float32Array.of(-1, -2),
  });
  expect(mergeLogprobs(undefined, one(-2))).toEqual(one(-2));
  expect(mergeLogprobs(undefined, undefined)).toBeUndefined();
});

test('a verifier that crashes in mid-answer: the next one goes on telling', async () => {
  const world = new World();
  const asked = question(world.random, 48);
  world.onConnect = (_, verifier) => {
    if (world.dials === 1) world.clock.after(300, () => world.crash(verifier));
  };
  let told = 0;
  const { text, failure } = await world.run(
    world.ask(asked, {
      change: { logprobs: 2 },
      read(event) {
        if (event.type !== 'accept') return;
        expect(event.logprobs!.topIds.length).toBe(2 * event.tokens.length);
        told += event.logprobs!.committed.length;
      },
    }),
  );
  expect(failure).toBeNull();
  expect(world.dials).toBeGreaterThan(1);
  expect(text).toEqual([...asked.answer]);
  expect(told).toBe(asked.answer.length);
});

describe('the real verifier', () => {
  const cacheFolder = temporaryFolder();
  const prompt = Int32Array.from({ length: 40 }, (_, i) => 100 + (i % 20));
  let real: RealVerifier;
  beforeAll(async () => {
    real = await startRealVerifier({ slots: 2, maxContext: 256, cacheFolder });
  });
  afterAll(() => real?.verifier.close());

  async function answer(change: Partial<OpenSettings>): Promise<Accept[]> {
    const link = await real.open(prompt, change);
    const accepts: Accept[] = [];
    for await (const event of link.events()) if (event.type === 'accept') accepts.push(event);
    return accepts;
  }
  const textOf = (accepts: Accept[]) => accepts.flatMap(({ tokens }) => [...tokens]);

  test('reports nothing when not asked, and what is reported changes no token', async () => {
    const silent = await answer({});
    expect(silent.some(({ logprobs }) => logprobs)).toBe(false);
    for (const drafting of ['off', 'echoed'] as const) {
      const telling = await answer({ drafting, logprobs: 5 });
      expect(textOf(telling)).toEqual(textOf(silent));
    }
  });

  test('tells the raw probabilities that decoding one by one gives', async () => {
    for (const drafting of ['off', 'echoed'] as const) {
      const accepts = await answer({ drafting, logprobs: 5 });
      const text = textOf(accepts);
      const logits = await sequentialLogits(real.engine, [...prompt, ...text]);
      let at = prompt.length - 1;
      for (const { tokens, logprobs } of accepts) {
        for (let i = 0; i < tokens.length; i++, at++) {
          const row = logits[at]!;
          const normalizer = logNormalizer(row);
          expect(logprobs!.committed[i]).toBeCloseTo(row[tokens[i]!]! - normalizer, 3);
          const best = new Int32Array(5);
          topTokens(row, best);
          for (let k = 0; k < 5; k++) {
            const value = logprobs!.topLogprobs[i * 5 + k]!;
            expect(value).toBeCloseTo(row[best[k]!]! - normalizer, 3);
            expect(value).toBeCloseTo(row[logprobs!.topIds[i * 5 + k]!]! - normalizer, 3);
          }
        }
      }
      expect(at).toBe(prompt.length - 1 + text.length);
    }
  });

  test.each([
    ['logprobs of 21', { logprobs: MAX_LOGPROBS + 1 }],
    ['half a logprob', { logprobs: 0.5 }],
    ['logprobs in words', { logprobs: 'all' as unknown as number }],
    ['remember 1', { remember: 1 as unknown as boolean }],
  ])('refuses %s by name', async (_, change) => {
    await expect(answer(change)).rejects.toMatchObject({
      code: 'bad-frame',
      message: expect.stringMatching(/logprobs must be|remember must be/),
    });
  });
});
