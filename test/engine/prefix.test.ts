/** Prompts that begin alike share what was computed, and only within their namespace. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { feed, randomIntegers } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const SLOTS = 3;
let engine: Engine;
let held: Slot[] = [];
let names = 0;

beforeAll(async () => {
  engine = await openEngine(SMALL, { slots: SLOTS, maxContext: 256, threads: 1, cacheFolder });
});
afterAll(() => engine.close());
beforeEach(() => {
  for (const slot of held) engine.release(slot);
  held = [];
});

function take(prompt: number[], namespace: string, maxTokens = 128): Slot {
  const slot = engine.acquire(Int32Array.from(prompt), maxTokens, namespace);
  if (!slot) throw new Error('no slot is free');
  held.push(slot);
  return slot;
}

function give(slot: Slot): void {
  engine.release(slot);
  held = held.filter((one) => one !== slot);
}

/** What the prompt's last token gives when nothing is shared. */
async function fresh(prompt: number[]): Promise<Float32Array> {
  const slot = take(prompt, `fresh ${names++}`);
  const logits = await feed(engine, slot, prompt);
  give(slot);
  return logits;
}

function text(seed: number, length: number): number[] {
  const random = randomIntegers(seed);
  return Array.from({ length }, () => random(engine.limits.vocabSize));
}

describe('a prompt that begins like an earlier one', () => {
  it('takes over the slot for the next turn, with the same logits', async () => {
    const first = text(1, 60);
    const expected = await fresh([...first, ...text(2, 10)]);
    const slot = take(first, 'chat');
    await feed(engine, slot, first);
    give(slot);
    const next = [...first, ...text(2, 10)];
    const again = take(next, 'chat');
    expect(again.cached).toBe(first.length);
    expect(again.length).toBe(first.length);
    expect(await feed(engine, again, next.slice(again.cached))).toEqual(expected);
  });

  it('copies a beginning that a running session goes on using', async () => {
    const shared = text(3, 50);
    const one = [...shared, 1, ...text(4, 20)];
    const other = [...shared, 2, ...text(5, 30)];
    const expected = [await fresh(one), await fresh(other)];
    const running = take(one, 'docs');
    await feed(engine, running, one.slice(0, -1));
    const second = take(other, 'docs');
    expect(second.cached).toBe(shared.length);
    const logits = await feed(engine, second, other.slice(second.cached));
    expect(logits).toEqual(expected[1]);
    expect(await feed(engine, running, one.slice(-1))).toEqual(expected[0]);
  });

  it('is caught up with where both were taken at once', async () => {
    const prompt = text(9, 60);
    const expected = await fresh(prompt);
    const first = take(prompt, 'choices');
    const second = take([...prompt.slice(0, 50), ...text(10, 10)], 'choices');
    const third = take(prompt, 'choices');
    engine.catchUp(third, Int32Array.from(prompt));
    expect(third.length).toBe(0);
    expect(await feed(engine, first, prompt)).toEqual(expected);
    await feed(engine, third, prompt.slice(0, 20));
    engine.catchUp(third, Int32Array.from(prompt));
    expect(third.length).toBe(prompt.length - 1);
    expect(third.cached).toBe(0);
    expect(await feed(engine, third, prompt.slice(-1))).toEqual(expected);
    engine.catchUp(second, Int32Array.from([...prompt.slice(0, 50), ...text(10, 10)]));
    expect(second.length).toBe(50);
    give(third);
    const foreign = take(prompt, 'another tenant');
    engine.catchUp(foreign, Int32Array.from(prompt));
    expect(foreign.length).toBe(0);
  });

  it('always leaves the last token to feed', async () => {
    const prompt = text(6, 40);
    const slot = take(prompt, 'same');
    await feed(engine, slot, prompt);
    give(slot);
    expect(take(prompt, 'same').cached).toBe(prompt.length - 1);
  });

  it('shares nothing with another namespace', async () => {
    const prompt = text(7, 40);
    const slot = take(prompt, 'tenant a');
    await feed(engine, slot, prompt);
    give(slot);
    expect(take(prompt, 'tenant b').cached).toBe(0);
  });

  it('does not count what was drafted and never committed', async () => {
    const prompt = text(8, 40);
    const slot = take(prompt, 'draft');
    await feed(engine, slot, prompt.slice(0, 20));
    await engine.step([
      {
        slot,
        count: 20,
        tokens: Int32Array.from(prompt.slice(20)),
        parents: Int16Array.from({ length: 20 }, (_, i) => i - 1),
        logitsFrom: 20,
        logits: new Float32Array(0),
      },
    ]);
    give(slot);
    expect(take(prompt, 'draft').cached).toBe(20);
  });
});

describe('slots', () => {
  it('are refused when all are held, and found again when one is given back', () => {
    const taken = [1, 2, 3].map((i) => take(text(10 + i, 5), `held ${i}`));
    expect(taken).toHaveLength(SLOTS);
    expect(engine.acquire(Int32Array.of(1), 10, 'alone')).toBeNull();
    give(taken[1]!);
    expect(engine.acquire(Int32Array.of(1), 10, 'alone')).toBe(taken[1]);
    held.push(taken[1]!);
  });

  it('give up what was idle longest', async () => {
    const prompts = [20, 21, 22].map((seed) => text(seed, 30));
    const slots = prompts.map((prompt) => take(prompt, 'lru'));
    for (const [i, slot] of slots.entries())
      await feed(engine, slot, prompts[i]!.slice(slot.length));
    give(slots[1]!);
    give(slots[0]!);
    give(slots[2]!);
    take(text(23, 30), 'other');
    expect(take(prompts[0]!, 'lru').cached).toBe(29);
    give(held.at(-1)!);
    expect(take(prompts[1]!, 'lru').cached).toBe(0);
  });

  it('are refused for contexts longer than any can hold', () => {
    expect(engine.acquire(Int32Array.of(1), engine.limits.maxContext + 1, 'alone')).toBeNull();
  });
});
