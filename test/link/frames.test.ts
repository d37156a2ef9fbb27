/** Every frame survives the wire, and no bytes at all can hurt a decoder. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SOURCE_NAMES, type Source } from '../../src/draft/source.ts';
import { MAX_TREE_NODES, TokenTree } from '../../src/draft/tree/tree.ts';
import {
  DONE_REASONS,
  decodeAccept,
  decodeCancel,
  decodeDone,
  decodeError,
  decodeOpen,
  decodeProgress,
  decodeRead,
  decodeReady,
  decodeSpans,
  decodeTree,
  encodeAccept,
  encodeCancel,
  encodeDone,
  encodeError,
  encodeOpen,
  encodeProgress,
  encodeRead,
  encodeReady,
  encodeSpans,
  encodeTree,
  FrameError,
  LINK_ERRORS,
  MAX_FRAME_BYTES,
  MAX_FRAME_SPAN_TOKENS,
  MAX_PROMPT_TOKENS,
  MAX_SPANS,
  MAX_TOKEN_ID,
  type OpenSettings,
} from '../../src/link/protocol/index.ts';
import { triesOf } from '../support/whole.ts';

const SETTINGS: OpenSettings = {
  fingerprint: { model: 'a'.repeat(64), tokenizer: 'b'.repeat(64) },
  namespace: 'tenant',
  sampling: { seed: [0xffffffff, 7], temperature: 0.8, topP: 0.9, topK: 40 },
  maxTokens: 256,
  stopIds: [2, 0],
  drafting: 'echoed',
  budget: 32,
  regions: [[3, 9, 1]],
  resumed: 0,
};

const token = fc.integer({ min: 0, max: MAX_TOKEN_ID });
const tokens = (max: number) =>
  fc.array(token, { minLength: 1, maxLength: max }).map((ids) => Int32Array.from(ids));
const source = fc.integer({ min: 0, max: SOURCE_NAMES.length - 1 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });

const spans = fc.array(
  fc.record({
    source: source.map((byte) => byte as Source),
    begins: fc.boolean(),
    tokens: tokens(30),
  }),
  { minLength: 1, maxLength: 20 },
);

const tree = fc
  .array(
    fc.tuple(
      fc.integer({ min: -1, max: MAX_TREE_NODES }),
      token,
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      source,
    ),
    {
      maxLength: MAX_TREE_NODES,
    },
  )
  .map((nodes) => {
    const built = new TokenTree();
    for (const [parent, id, prob, from] of nodes) {
      built.add(Math.min(parent, built.size - 1), id, prob, from as Source);
    }
    return built;
  });

describe('round trips', () => {
  test('open', () => {
    fc.assert(
      fc.property(tokens(500), (prompt) => {
        expect(decodeOpen(encodeOpen({ settings: SETTINGS, prompt }))).toEqual({
          settings: SETTINGS,
          prompt,
        });
      }),
    );
  });

  test('tree: structure exactly, probabilities to the step of the wire', () => {
    const out = new TokenTree();
    fc.assert(
      fc.property(tree, u32, (sent, base) => {
        expect(decodeTree(encodeTree(sent, base), out)).toBe(base);
        out.checkIntegrity();
        expect(out.size).toBe(sent.size);
        for (let i = 0; i < sent.size; i++) {
          expect(out.tokens[i]).toBe(sent.tokens[i]);
          expect(out.parents[i]).toBe(sent.parents[i]);
          expect(out.sources[i]).toBe(sent.sources[i]);
          expect(Math.abs(Math.log(out.probs[i]! / sent.probs[i]!))).toBeLessThanOrEqual(
            1 / 32 + 1e-5,
          );
        }
      }),
    );
  });

  test('accept', () => {
    fc.assert(
      fc.property(
        tokens(255),
        u32,
        fc.nat(0xffff),
        fc.nat(255),
        u32,
        (ids, position, drafted, credit, stepMicros) => {
          const sources = Uint8Array.from(ids, (id) => id % SOURCE_NAMES.length);
          const steps = ids.length;
          const frame = { position, tokens: ids, sources, steps, drafted, credit, stepMicros };
          expect(decodeAccept(encodeAccept(frame))).toEqual(frame);
          for (const name of ['deviations', 'moved']) {
            const counted = { ...frame, [name]: 1 + (position % ids.length) };
            expect(decodeAccept(encodeAccept(counted))).toEqual(counted);
            const tooMany = { ...frame, [name]: ids.length + 1 };
            expect(() => decodeAccept(encodeAccept(tooMany))).toThrow();
          }
          const both = { ...frame, deviations: 1, moved: ids.length };
          expect(decodeAccept(encodeAccept(both))).toEqual(both);
        },
      ),
    );
  });

  test('ready, done, error', () => {
    fc.assert(
      fc.property(u32, u32, fc.nat(0xffff), (promptTokens, cachedTokens, credit) => {
        const frame = { promptTokens, cachedTokens, credit, active: credit >> 1, slots: credit };
        expect(decodeReady(encodeReady(frame))).toEqual(frame);
      }),
    );
    for (const reason of DONE_REASONS) {
      const frame = { reason, steps: 1, drafted: 2, accepted: 3, prefillMicros: 4, stale: 5 };
      expect(decodeDone(encodeDone(frame))).toEqual(frame);
    }
    for (const code of LINK_ERRORS) {
      const frame = { code, retryAfterMs: 1000, message: 'voll — später' };
      expect(decodeError(encodeError(frame))).toEqual(frame);
      const placed = { ...frame, path: ['functions', 0, 'parameters', 'größe: x'] };
      expect(decodeError(encodeError(placed))).toEqual(placed);
    }
  });

  test('spans', () => {
    fc.assert(
      fc.property(spans, (sent) => {
        expect(decodeSpans(encodeSpans(sent))).toEqual(sent);
      }),
    );
  });

  test('read, progress', () => {
    fc.assert(
      fc.property(u32, (position) => {
        expect(decodeRead(encodeRead(position))).toBe(position);
        expect(decodeProgress(encodeProgress(position))).toBe(position);
      }),
    );
  });

  test('a long error message is cut, not refused', () => {
    const { message } = decodeError(
      encodeError({ code: 'engine', retryAfterMs: 0, message: 'x'.repeat(5000) }),
    );
    expect(message).toBe('x'.repeat(1024));
  });
});

const DECODERS: Record<string, (bytes: Uint8Array) => unknown> = {
  open: decodeOpen,
  spans: decodeSpans,
  cancel: decodeCancel,
  read: decodeRead,
  progress: decodeProgress,
  tree: (bytes) => decodeTree(bytes, new TokenTree()),
  ready: decodeReady,
  accept: decodeAccept,
  done: decodeDone,
  error: decodeError,
};

function sample(): Record<string, Uint8Array> {
  const small = new TokenTree();
  const first = small.add(-1, 5, 0.5, 1);
  small.add(first, 70_000, 0.25, 3);
  return {
    open: encodeOpen({ settings: SETTINGS, prompt: Int32Array.of(1, 2, 3) }),
    spans: encodeSpans([
      { source: 4, begins: true, tokens: Int32Array.of(7, 8, 9) },
      { source: 5, begins: false, tokens: Int32Array.of(70_000) },
    ]),
    cancel: encodeCancel(),
    read: encodeRead(300),
    progress: encodeProgress(256),
    tree: encodeTree(small, 12),
    ready: encodeReady({ promptTokens: 3, cachedTokens: 1, credit: 8, active: 1, slots: 4 }),
    accept: encodeAccept({
      position: 3,
      tokens: Int32Array.of(4, 5),
      sources: Uint8Array.of(1, 0),
      steps: 1,
      drafted: 2,
      credit: 1,
      stepMicros: 900,
    }),
    done: encodeDone({
      reason: 'stop',
      steps: 1,
      drafted: 2,
      accepted: 1,
      prefillMicros: 3,
      stale: 0,
    }),
    error: encodeError({ code: 'overloaded', retryAfterMs: 1000, message: 'full' }),
  };
}

/** Decodes, or refuses with `FrameError`; anything else is a bug. */
function survives(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
}

describe('hostile bytes', () => {
  test.each(Object.keys(DECODERS))(
    '%s: 10,000 random and mutated frames are decoded or refused',
    (name) => {
      const decode = DECODERS[name]!;
      const whole = sample()[name]!;
      const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => {
        if (bytes.length > 0) bytes[0] = whole[0]!;
        return bytes;
      });
      const mutated = fc
        .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
        .map((changes) => {
          const bytes = whole.slice();
          for (const [at, value] of changes) bytes[at] = value;
          return bytes;
        });
      fc.assert(
        fc.property(fc.oneof(random, mutated), (bytes) => survives(decode, bytes)),
        { numRuns: triesOf({ part: 2_000, whole: 10_000 }) },
      );
    },
  );

  test.each(Object.keys(DECODERS))('%s: every cut and every extension is refused', (name) => {
    const whole = sample()[name]!;
    for (let length = 0; length < whole.length; length++) {
      expect(() => DECODERS[name]!(whole.subarray(0, length))).toThrow(FrameError);
    }
    expect(() => DECODERS[name]!(Uint8Array.of(...whole, 0))).toThrow(FrameError);
  });

  test('a frame over the limit is refused before it is read', () => {
    for (const decode of Object.values(DECODERS)) {
      expect(() => decode(new Uint8Array(MAX_FRAME_BYTES + 1))).toThrow(/at most/);
    }
  });

  test('counts that promise more than is there allocate nothing', () => {
    const open = sample().open!.slice();
    new DataView(open.buffer).setUint32(8, MAX_PROMPT_TOKENS + 1, true);
    expect(() => decodeOpen(open)).toThrow(/prompt of/);
    const tree = sample().tree!.slice();
    new DataView(tree.buffer).setUint16(2, MAX_TREE_NODES + 1, true);
    expect(() => decodeTree(tree, new TokenTree())).toThrow(/tree of/);
    const spans = sample().spans!.slice();
    new DataView(spans.buffer).setUint16(2, MAX_SPANS + 1, true);
    expect(() => decodeSpans(spans)).toThrow(/spans in a frame/);
    new DataView(spans.buffer).setUint16(2, 2, true);
    new DataView(spans.buffer).setUint16(4, MAX_FRAME_SPAN_TOKENS, true);
    expect(() => decodeSpans(spans)).toThrow(/at most 8192/);
    new DataView(spans.buffer).setUint16(4, 0, true);
    expect(() => decodeSpans(spans)).toThrow(FrameError);
  });

  test('a tree with a parent behind its child, or with twins, is refused by name', () => {
    const tree = new TokenTree();
    tree.add(-1, 1, 0.5, 1);
    tree.add(-1, 2, 0.5, 1);
    const forward = encodeTree(tree, 0);
    forward[8 + 4] = 2;
    expect(() => decodeTree(forward, new TokenTree())).toThrow(/node 0 names parent 1/);
    const twins = encodeTree(tree, 0);
    twins[8 + 2] = 1;
    expect(() => decodeTree(twins, new TokenTree())).toThrow(/node 1 repeats a sibling/);
  });
});

test('a tree of 32 nodes takes at most 400 bytes, an accept of 5 tokens at most 300', () => {
  const tree = new TokenTree();
  for (let i = 0; i < 32; i++) tree.add(i - 1, i, 0.9, 1);
  expect(encodeTree(tree, 1000).length).toBe(168);
  const accept = {
    position: 1,
    tokens: new Int32Array(5),
    sources: new Uint8Array(5),
    steps: 1,
    drafted: 32,
    credit: 1,
    stepMicros: 1,
  };
  expect(encodeAccept(accept).length).toBe(31);
  expect(encodeCancel().length).toBe(1);
});
