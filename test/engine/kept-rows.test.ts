/** A tree that is fed in parts, the rows of earlier parts kept, is the tree fed at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import { chainRow, feed, maxDifference, treeRow } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 4, maxContext: 128, threads: 1, cacheFolder };
const TOKENS = [5, 6, 7, 8, 9, 10, 11];
const PARENTS = [-1, 0, 0, 1, 2, 3, 3];

const FORMS: [string, EngineOptions, number][] = [
  ['exact', {}, 0],
  ['fused', { attention: 'fused' }, 1e-5],
  ['fused in shared lanes', { attention: 'fused', sharedLanes: true, foldHeads: true }, 1e-5],
];

describe.each(FORMS)('%s', (_, options, tolerance) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(SMALL, { ...BASE, ...options });
  });
  afterAll(() => engine?.close());

  async function slotAfter(prompt: number[], name: string): Promise<Slot> {
    const slot = engine.acquire(Int32Array.from(prompt), 100, name)!;
    await feed(engine, slot, prompt.slice(slot.length));
    return slot;
  }

  /** The logits of rows `from` to before `to`, the rows before kept. */
  async function part(slot: Slot, from: number, to: number, beside: Slot[] = []) {
    const row = treeRow(slot, TOKENS.slice(0, to), PARENTS.slice(0, to), from);
    row.kept = from;
    await engine.step([...beside.map((other) => chainRow(other, [1, 2, 3, 4])), row]);
    return row.logits.slice();
  }

  it('gives the same logits, alone and beside another session', async () => {
    const whole = await slotAfter([1, 2, 3], 'whole');
    const expected = treeRow(whole, TOKENS, PARENTS);
    await engine.step([expected]);
    const all = expected.logits.slice();
    const slot = await slotAfter([1, 2, 3], 'parts');
    const other = await slotAfter([9, 9], 'other');
    const logits = [
      await part(slot, 0, 2),
      await part(slot, 2, 3, [other]),
      await part(slot, 3, TOKENS.length),
    ];
    expect(
      maxDifference(
        logits.flatMap((one) => [...one]),
        all,
      ),
    ).toBeLessThanOrEqual(tolerance);
    for (const used of [whole, slot, other]) engine.release(used);
  });

  it('commits a path through all parts', async () => {
    const slot = await slotAfter([4, 4, 4], 'commits');
    await part(slot, 0, 3);
    await part(slot, 3, TOKENS.length);
    engine.commit(slot, [0, 1, 3, 6], 4);
    const after = await feed(engine, slot, [12]);
    const same = await slotAfter([4, 4, 4, 5, 6, 8, 11], 'in one');
    expect(maxDifference(after, await feed(engine, same, [12]))).toBeLessThanOrEqual(tolerance);
    for (const used of [slot, same]) engine.release(used);
  });

  it('refuses to keep what is not there', async () => {
    const slot = await slotAfter([1, 2], 'refused');
    await part(slot, 0, 3);
    const step = (kept: number, change: Partial<ReturnType<typeof treeRow>> = {}) =>
      engine.step([{ ...treeRow(slot, TOKENS, PARENTS, TOKENS.length), kept, ...change }]);
    await expect(step(4)).rejects.toThrow(/kept must be 0 to 3/);
    await expect(step(-1)).rejects.toThrow(/kept/);
    await expect(step(2, { tokens: Int32Array.of(5, 90, 7, 8, 9, 10, 11) })).rejects.toThrow(
      /row 1 is kept/,
    );
    await expect(step(3, { logitsFrom: 2 })).rejects.toThrow(/logitsFrom must be 3/);
    engine.commit(slot, [0], 1);
    await expect(step(1)).rejects.toThrow(/kept must be 0 to 0/);
    engine.release(slot);
  });
});
