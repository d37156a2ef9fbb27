/** A layer over the target's hidden states computes what its definition says, and reads its own where it drafts. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDecoderConfig } from '../../gpu-backend/builder/config.ts';
import { featureDrafter } from '../../gpu-backend/builder/feature-drafter.ts';
import { readSafetensorsIndex } from '../../gpu-backend/builder/safetensors.ts';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { EngineNetwork } from '../../gpu-backend/drafters/engine-network.ts';
import { type EngineOptions, openEngine, openPart } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { distributionOf } from '../../src/draft/model-distribution.ts';
import { type ModelNode, ModelStore } from '../../src/draft/stores/model-store.ts';
import { chainRow, maxDifference, randomIntegers, upTo } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';
import { fusionTensors, NAMED, SMALL_HIDDEN, trainedFile } from './trained-file.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 2, maxContext: 64, threads: 1, cacheFolder };
const FUSED: EngineOptions = { ...BASE, attention: 'fused', hiddenOutput: true };
const TEXT = [5, 80, 7, 8, 90];
const PLAIN = { temperature: 0, noise: null };

const random = randomIntegers(5);
const STATES = TEXT.map((_, i) =>
  i === 0 ? null : Float32Array.from({ length: SMALL_HIDDEN }, () => random(2001) / 1000 - 1),
);

async function opened(options: EngineOptions = {}) {
  const target = await openEngine(SMALL, { ...BASE, ...options });
  const notes = { kind: 'feature', tokens: NAMED.join(' ') };
  const part = featureDrafter(
    target.parts.prepared,
    trainedFile(cacheFolder, notes, fusionTensors()),
  );
  return { target, own: await openPart(target, part, { ...FUSED, ...options }) };
}

/** Feeds tokens with their states as a chain; logits and states behind each. */
async function read(engine: OrtEngine, tokens: number[], states: (Float32Array | null)[]) {
  const slot = engine.acquire(Int32Array.from(tokens), 32, `text ${random(1e6)}`)!;
  const row = { ...chainRow(slot, tokens), features: states };
  await engine.step([row]);
  engine.release(slot);
  return { logits: row.logits.slice(), hidden: row.hidden!.slice() };
}

describe('a layer over hidden states', () => {
  let target: OrtEngine;
  let own: OrtEngine;
  beforeAll(async () => {
    ({ target, own } = await opened());
  });
  afterAll(() => {
    own?.close();
    target?.close();
  });

  const networkOver = (engine: OrtEngine) => {
    const { vocabSize } = target.limits;
    return new EngineNetwork(engine, {
      name: 'feature',
      vocabSize,
      vocabulary: Int32Array.from(NAMED),
      readsStates: true,
    });
  };

  it('gives what its definition says of a token and a state', async () => {
    const state = STATES[1]!;
    const { logits, hidden } = await read(own, [80], [state]);
    const expected = reference(80, state);
    expect(maxDifference(hidden, expected.hidden)).toBeLessThan(1e-4);
    expect(maxDifference(logits, expected.logits)).toBeLessThan(1e-4);
  });

  it('is converted once, and again where that is gone', () => {
    const { prepared } = target.parts;
    const file = trainedFile(cacheFolder, { kind: 'feature', of: 'once' }, fusionTensors());
    const first = featureDrafter(prepared, file);
    const [name] = /trained-\w+\.bin/.exec(JSON.stringify(first.layout))!;
    const weights = join(prepared.folder, name);
    const [{ ino }, bytes] = [statSync(weights), readFileSync(weights)];
    expect(featureDrafter(prepared, file)).toEqual(first);
    expect(statSync(weights).ino).toBe(ino);
    rmSync(weights);
    expect(featureDrafter(prepared, file)).toEqual(first);
    expect(readFileSync(weights).equals(bytes)).toBe(true);
  });

  it('reads a text alike in one step and token by token', async () => {
    const whole = await read(own, TEXT, STATES);
    const slot = own.acquire(Int32Array.from(TEXT), 32, 'by token')!;
    for (const [i, token] of TEXT.entries()) {
      const row = { ...chainRow(slot, [token]), features: [STATES[i]!] };
      await own.step([row]);
      const at = whole.logits.subarray(i * NAMED.length, (i + 1) * NAMED.length);
      expect(maxDifference(row.logits, at)).toBeLessThan(1e-4);
      own.commit(slot, upTo(1), 1);
    }
    own.release(slot);
  });

  it('takes an unknown state for zeros, and a known one for what it is', async () => {
    const last = (result: { logits: Float32Array }) => result.logits.slice(-NAMED.length);
    const without = await read(own, [5, 80], [null, null]);
    const zeros = await read(own, [5, 80], [null, new Float32Array(SMALL_HIDDEN)]);
    const known = await read(own, [5, 80], [null, STATES[1]!]);
    expect(maxDifference(last(without), last(zeros))).toBe(0);
    expect(maxDifference(last(without), last(known))).toBeGreaterThan(0.01);
  });

  it('reads its own state before a drafted token, after the rows that are kept', async () => {
    const network = networkOver(own);
    const { place } = network.enter(Int32Array.from(TEXT), 32, 'network')!;
    const store = new ModelStore({ keeps: false });
    store.place(TEXT.length);
    const settled: number[] = [];
    const [tokens, states] = [Int32Array.from(TEXT), STATES];
    const { root } = store;
    const ask = { place, settled, foretold: [], root, sampling: PLAIN, wordTokens: 0 };
    await network.read([{ ...ask, tokens, states, nodes: [] }]);
    let above: ModelNode = root;
    const guesses = [...STATES];
    for (const token of [33, 21]) {
      const node: ModelNode = { ...root, token, parent: above, position: 0, children: new Map() };
      await network.read([{ ...ask, tokens: new Int32Array(0), states: [], nodes: [node] }]);
      const text = [...TEXT, ...guesses.slice(TEXT.length).map((_, i) => [33, 21][i]!)];
      const before = await read(own, text, guesses);
      guesses.push(before.hidden.slice(-SMALL_HIDDEN));
      const { logits } = await read(own, [...text, token], guesses);
      const expected = distributionOf(logits.subarray(-NAMED.length), 0, PLAIN);
      expect(node.says!.tokens[0]).toBe(NAMED[expected.tokens[0]!]);
      expect(maxDifference(node.says!.probs, expected.probs)).toBeLessThan(1e-4);
      above = node;
    }
    network.leave(place);
  });

  it('refuses root and child in one question, also where an earlier tree left a state', async () => {
    const network = networkOver(own);
    const { place } = network.enter(Int32Array.from(TEXT), 48, 'early')!;
    const store = new ModelStore({ keeps: false });
    store.place(TEXT.length);
    const { root } = store;
    const ask = { place, settled: [], foretold: [], root, sampling: PLAIN, wordTokens: 0 };
    const text = { ...ask, tokens: Int32Array.from(TEXT), states: STATES };
    await network.read([{ ...text, nodes: [] }]);
    // The text once more, so that its last row is where the root was.
    const child: ModelNode = { ...root, token: 33, parent: root, children: new Map() };
    await expect(network.read([{ ...text, nodes: [child] }])).rejects.toThrow(/no state yet/);
    network.leave(place);
  });

  it('computes beside int8 rows, whose stream is turned, what it computes beside others', async () => {
    const turned = await opened({ quantization: 'int8' });
    const [plain, rows] = [await read(own, TEXT, STATES), await read(turned.own, TEXT, STATES)];
    expect(maxDifference(rows.logits, plain.logits)).toBeLessThan(0.1);
    expect(maxDifference(rows.hidden, plain.hidden)).toBeLessThan(0.1);
    turned.own.close();
    turned.target.close();
  });

  it('computes in float16 too, and gives float32', async () => {
    const half = await opened({ compute: 'float16' });
    const [wide, narrow] = [await read(own, TEXT, STATES), await read(half.own, TEXT, STATES)];
    expect(maxDifference(narrow.logits, wide.logits)).toBeLessThan(0.1);
    expect(maxDifference(narrow.hidden, wide.hidden)).toBeLessThan(0.1);
    half.own.close();
    half.target.close();
  });
});

/** One token alone: attention gives its own value. */
function reference(token: number, state: Float32Array) {
  const config = readDecoderConfig(SMALL);
  const index = readSafetensorsIndex(SMALL);
  const own = fusionTensors();
  const tensor = (name: string) =>
    Float32Array.from([...readRows(index.get(name)!)].flatMap((rows) => [...rows]));
  const layer = (name: string) => tensor(`model.layers.1.${name}.weight`);
  const norm = (x: Float32Array, weight: Float32Array) => {
    const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    return x.map((value, i) => (value / Math.sqrt(mean + config.normEpsilon)) * weight[i]!);
  };
  const times = (matrix: Float32Array, x: Float32Array) =>
    Float32Array.from({ length: matrix.length / x.length }, (_, row) =>
      x.reduce((sum, value, i) => sum + value * matrix[row * x.length + i]!, 0),
    );
  const plus = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + b[i]!);
  const table = tensor('model.embed_tokens.weight');
  const embedding = table.slice(token * SMALL_HIDDEN, (token + 1) * SMALL_HIDDEN);
  const normed = norm(embedding, own['embedding_norm.weight']!);
  let x = times(own['fusion.weight']!, Float32Array.from([...normed, ...state]));
  const value = times(layer('self_attn.v_proj'), norm(x, layer('input_layernorm')));
  const group = config.heads / config.kvHeads;
  const heads = Float32Array.from({ length: config.heads * config.headDim }, (_, i) => {
    const head = Math.floor(i / config.headDim);
    return value[Math.floor(head / group) * config.headDim + (i % config.headDim)]!;
  });
  x = plus(x, times(layer('self_attn.o_proj'), heads));
  const read = norm(x, layer('post_attention_layernorm'));
  const up = times(layer('mlp.up_proj'), read);
  const gated = times(layer('mlp.gate_proj'), read).map(
    (gate, i) => (gate / (1 + Math.exp(-gate))) * up[i]!,
  );
  x = plus(x, times(layer('mlp.down_proj'), gated));
  const hidden = norm(x, tensor('model.norm.weight'));
  const head = index.has('lm_head.weight') ? tensor('lm_head.weight') : table;
  const all = times(head, hidden);
  return { hidden, logits: Float32Array.from(NAMED, (token) => all[token]!) };
}
