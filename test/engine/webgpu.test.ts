/**
 * The form of the graph for WebGPU: on the CPU, which has its operators too, and on the device
 * where this machine has a driver, Mesa's software one included. Results are equal to rounding.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hydraHeads } from '../../gpu-backend/builder/hydra-heads.ts';
import { DraftHeads, type HeadRow } from '../../gpu-backend/engine/draft-heads.ts';
import type { Engine, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import { webGpuFault } from '../../gpu-backend/ort/webgpu.ts';
import {
  argmax,
  chainRow,
  feed,
  maxDifference,
  randomIntegers,
  sequentialLogits,
  treeRow,
  upTo,
} from './driver.ts';
import { hydraFile, hydraTensors } from './hydra-file.ts';
import { BUNDLED, SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 4, maxContext: 192, threads: 1, cacheFolder };
const WEBGPU: EngineOptions = { provider: 'webgpu', webgpu: { everyNode: true } };
/** Logits here are below 4. */
const LARGEST = 4;
const ROUNDING = 1e-4;
/**
 * float16 rounds to 2⁻¹¹ of a value, and WebGPU's kernels round after each term that they add. A
 * logit passes five sums (attention's and the MLP's of two layers, the head's) of up to 48 terms,
 * whose roundings add up like steps at random. Seen: 0.008 on the CPU, 0.019 on WebGPU.
 */
const ROUNDING_16 = LARGEST * Math.sqrt(5 * 48) * 2 ** -11;
/** A software driver compiles some hundred programs. */
const PATIENCE = 240_000;
const withoutWebGpu = webGpuFault() !== null;

describe.each<[string, EngineOptions, boolean, number]>([
  ['on the CPU', { attention: 'grouped' }, false, ROUNDING],
  ['on WebGPU', WEBGPU, withoutWebGpu, ROUNDING],
  ['on the CPU in float16', { attention: 'grouped', compute: 'float16' }, false, ROUNDING_16],
  ['on WebGPU in float16', { ...WEBGPU, compute: 'float16' }, withoutWebGpu, ROUNDING_16],
])('the form for WebGPU %s', (_, options, skipped, rounding) => {
  let engine: Engine;
  let plain: Engine;
  const held: Slot[] = [];

  beforeAll(async () => {
    if (skipped) return;
    engine = await openEngine(SMALL, { ...BASE, ...options });
    plain = await openEngine(SMALL, BASE);
  }, PATIENCE);
  afterAll(() => {
    engine?.close();
    plain?.close();
  });
  afterEach(() => {
    for (const slot of held.splice(0)) engine.release(slot);
  });

  function take(prompt: readonly number[], namespace: string): Slot {
    const slot = engine.acquire(Int32Array.from(prompt), 192, namespace);
    if (!slot) throw new Error('no slot is free');
    held.push(slot);
    return slot;
  }

  /** The plain form's logits after the last token of `text`. */
  async function expected(text: readonly number[]): Promise<Float32Array> {
    const slot = plain.acquire(Int32Array.from(text), 192, 'expected')!;
    const logits = await feed(plain, slot, text.slice(slot.cached));
    plain.release(slot);
    return logits;
  }

  it.skipIf(skipped)(
    'gives random trees of several sessions the logits of their paths, over committed rounds',
    async () => {
      const random = randomIntegers(7);
      const prompts = [5, 20, 44].map((length) => text(length, random));
      const slots = prompts.map((prompt, i) => take(prompt, `session ${i}`));
      for (const [i, slot] of slots.entries()) await feed(engine, slot, prompts[i]!.slice(0, -1));
      for (let round = 0; round < 8; round++) {
        const taking = upTo(slots.length).filter(() => random(4) > 0);
        const rows = taking.map((i) => randomTree(slots[i]!, prompts[i]!, random));
        await engine.step(rows);
        for (const [k, row] of rows.entries()) {
          const own = prompts[taking[k]!]!;
          const path = pathTo(row, random(row.count));
          const found = logitsOf(row, path.at(-1)!);
          const tokens = path.map((node) => row.tokens[node]!);
          expect(
            maxDifference(found, await expected([...own.slice(0, -1), ...tokens])),
          ).toBeLessThan(rounding);
          engine.commit(slots[taking[k]!]!, path, path.length);
          own.push(...tokens.slice(1), random(96));
        }
      }
    },
    PATIENCE,
  );

  it.skipIf(skipped)(
    'takes more rows than attention does at once, as a chain and as a tree',
    async () => {
      const random = randomIntegers(8);
      const chain = text(75, random);
      const first = take(chain, 'chain');
      const row = chainRow(first, chain, 20);
      await engine.step([row]);
      const sequential = await sequentialLogits(plain, chain);
      expect(row.logits).toHaveLength(55 * 96);
      for (let i = 20; i < chain.length; i++) {
        const found = row.logits.subarray((i - 20) * 96, (i - 19) * 96);
        expect(maxDifference(found, sequential[i]!)).toBeLessThan(rounding);
      }
      engine.commit(first, upTo(75), 75);
      const wide = treeRow(first, text(70, random), [-1, ...upTo(69).map((i) => random(i + 1))]);
      const beside = take([3, 4], 'beside');
      const small = chainRow(beside, [3, 4]);
      await engine.step([wide, small]);
      for (const node of [0, 31, 40, 69]) {
        const path = pathTo(wide, node).map((at) => wide.tokens[at]!);
        const difference = maxDifference(logitsOf(wide, node), await expected([...chain, ...path]));
        expect(difference).toBeLessThan(rounding);
      }
      expect(maxDifference(logitsOf(small, 1), await expected([3, 4]))).toBeLessThan(rounding);
    },
    PATIENCE,
  );

  it.skipIf(skipped)(
    'reuses a prefix: the next turn takes the slot over, another session a copy',
    async () => {
      const random = randomIntegers(9);
      const shared = text(50, random);
      const running = take([...shared, 1], 'docs');
      await feed(engine, running, shared);
      const other = [...shared, 2, ...text(9, random)];
      const copied = take(other, 'docs');
      expect(copied.cached).toBe(shared.length);
      const found = await feed(engine, copied, other.slice(copied.cached));
      expect(maxDifference(found, await expected(other))).toBeLessThan(rounding);
      const goesOn = await feed(engine, running, [1]);
      expect(maxDifference(goesOn, await expected([...shared, 1]))).toBeLessThan(rounding);
      engine.release(copied);
      held.splice(held.indexOf(copied), 1);
      const next = [...other, ...text(5, random)];
      const again = take(next, 'docs');
      expect(again).toBe(copied);
      expect(again.cached).toBe(other.length);
      const turn = await feed(engine, again, next.slice(again.cached));
      expect(maxDifference(turn, await expected(next))).toBeLessThan(rounding);
    },
    PATIENCE,
  );

  it.skipIf(skipped)(
    'keeps rows that are not fed again',
    async () => {
      const slot = take([1, 2, 3], 'kept');
      await feed(engine, slot, [1, 2, 3]);
      await engine.step([treeRow(slot, [5, 6, 7], [-1, 0, 0])]);
      const further = { ...treeRow(slot, [5, 6, 7, 8, 9], [-1, 0, 0, 2, 1], 3), kept: 3 };
      await engine.step([further]);
      const [eight, nine] = [further.logits.slice(0, 96), further.logits.slice(96)];
      expect(maxDifference(eight, await expected([1, 2, 3, 5, 7, 8]))).toBeLessThan(rounding);
      expect(maxDifference(nine, await expected([1, 2, 3, 5, 6, 9]))).toBeLessThan(rounding);
    },
    PATIENCE,
  );

  it.skipIf(skipped)('refuses rows that it could not compute, and goes on', async () => {
    const slot = take([5, 6, 7], 'hostile');
    await feed(engine, slot, [5, 6, 7]);
    const wrong = [
      chainRow(slot, []),
      chainRow(slot, [96]),
      chainRow(slot, [-1]),
      chainRow(slot, Array(190).fill(1)),
      treeRow(slot, [1, 2], [1, 0]),
    ];
    for (const row of wrong) await expect(engine.step([row])).rejects.toThrow(RangeError);
    await expect(engine.step([chainRow(slot, [1]), chainRow(slot, [2])])).rejects.toThrow(
      RangeError,
    );
    const row = chainRow(slot, [8]);
    await engine.step([row]);
    expect(() => engine.commit(slot, [1], 1)).toThrow(RangeError);
    expect(maxDifference(row.logits, await expected([5, 6, 7, 8]))).toBeLessThan(rounding);
  });

  const half = options.compute === 'float16';

  it.skipIf(skipped || half)(
    'runs the bundled model in 4 bits, and gives hidden states',
    async () => {
      const form: EngineOptions = { ...BASE, slots: 1, quantization: 'int4', hiddenOutput: true };
      const small = await openEngine(BUNDLED, { ...form, ...options });
      const grouped = await openEngine(BUNDLED, { ...form, attention: 'grouped' });
      const rows = await Promise.all([small, grouped].map((one) => runTree(one)));
      expect(maxDifference(rows[0]!.logits, rows[1]!.logits)).toBeLessThan(1e-3);
      expect(maxDifference(rows[0]!.hidden!, rows[1]!.hidden!)).toBeLessThan(1e-3);
      const exact = await openEngine(BUNDLED, { ...form, quantization: 'none' });
      const whole = await runTree(exact);
      expect(argmax(logitsOf(rows[0]!, 0))).toBe(argmax(logitsOf(whole, 0)));
      for (const one of [small, grouped, exact]) one.close();
    },
    PATIENCE,
  );

  // A software driver takes minutes for the bundled model.
  it.skipIf(skipped || !half)(
    'runs a small model in 4 bits, and gives hidden states',
    async () => {
      const form: EngineOptions = { ...BASE, slots: 1, quantization: 'int4', hiddenOutput: true };
      const small = await openEngine(SMALL, { ...form, ...options });
      const whole = await openEngine(SMALL, { ...form, attention: 'grouped' });
      expect([small.type, whole.type]).toEqual(['float16', 'float32']);
      const rows = await Promise.all([small, whole].map((one) => runTree(one)));
      expect(maxDifference(rows[0]!.logits, rows[1]!.logits)).toBeLessThan(rounding);
      expect(maxDifference(rows[0]!.hidden!, rows[1]!.hidden!)).toBeLessThan(rounding);
      for (const one of [small, whole]) one.close();
    },
    PATIENCE,
  );

  it.skipIf(skipped)('refuses a model of int8 columns, with what to do', async () => {
    const opened = openEngine(SMALL, { ...BASE, quantization: 'int8', provider: 'webgpu' });
    await expect(opened).rejects.toThrow(/--quantize int4, or set ESPALIER_PROVIDER=cpu/);
  });
});

it.runIf(withoutWebGpu)('says what to install where there is no adapter', async () => {
  await expect(openEngine(SMALL, { ...BASE, provider: 'webgpu' })).rejects.toThrow(
    /WebGPU cannot be used: install a Vulkan driver .*ESPALIER_PROVIDER=cpu/,
  );
});

async function runTree(engine: Engine): Promise<StepRow> {
  const slot = engine.acquire(Int32Array.of(1), 64, 'tree')!;
  await feed(engine, slot, upTo(24));
  const row = treeRow(slot, [30, 31, 32, 33], [-1, 0, 0, 2]);
  await engine.step([row]);
  return row;
}

function text(length: number, random: (n: number) => number): number[] {
  return Array.from({ length }, () => random(96));
}

function randomTree(slot: Slot, committed: readonly number[], random: (n: number) => number) {
  const count = Math.min(1 + random(14), slot.capacity - slot.length);
  const tokens = [committed.at(-1)!, ...text(count - 1, random)];
  const parents = tokens.map((_, row) => (random(3) === 0 && row > 0 ? random(row) : row - 1));
  return treeRow(slot, tokens, parents);
}

function pathTo(row: StepRow, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at >= 0; at = row.parents[at]!) path.unshift(at);
  return path;
}

function logitsOf(row: StepRow, node: number): Float32Array {
  const width = row.logits.length / row.count;
  return row.logits.slice(node * width, (node + 1) * width);
}

it.skipIf(withoutWebGpu)(
  'heads over its states say on WebGPU what they say on the CPU, also where some have no row',
  async () => {
    const file = hydraFile(cacheFolder, SMALL, { places: '3' }, hydraTensors(32, 3));
    const said = async (options: EngineOptions) => {
      const target = await openEngine(SMALL, { ...BASE, ...options });
      const read = hydraHeads(target.parts.prepared, file);
      const heads = await DraftHeads.open(target, read, { ...BASE, ...options });
      const rows = [[5, 80, 7], [41]].map((tokens): HeadRow => {
        const state = new Float32Array(32).fill(0.5);
        const count = tokens.length;
        return { state, tokens: Int32Array.from(tokens), count, logits: new Float32Array(0) };
      });
      await heads.run(rows);
      const logits = rows.map((row) => row.logits.slice());
      heads.close();
      target.close();
      return logits;
    };
    const [own, plain] = [await said(WEBGPU), await said({})];
    for (const [i, logits] of own.entries()) {
      expect(maxDifference(logits, plain[i]!)).toBeLessThan(ROUNDING);
    }
  },
  PATIENCE,
);
