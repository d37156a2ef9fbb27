/** A step refuses what it could not compute, says why, and the engine goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Slot, StepRow } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { chainRow, feed, treeRow } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
let engine: Engine;
let slot: Slot;

beforeAll(async () => {
  engine = await openEngine(SMALL, { slots: 2, maxContext: 64, threads: 1, cacheFolder });
  slot = engine.acquire(Int32Array.of(5, 6, 7), 64, 'alone')!;
  await feed(engine, slot, [5, 6, 7]);
});
afterAll(() => engine.close());

const wrongRows: [string, () => StepRow, RegExp][] = [
  ['no rows', () => chainRow(slot, []), /1 to \d+ rows/],
  [
    'more rows than the slot holds',
    () => chainRow(slot, Array(62).fill(1)),
    /exceed the slot's 64/,
  ],
  ['a token beyond the vocabulary', () => chainRow(slot, [96]), /token 96; the vocabulary has 96/],
  ['a negative token', () => chainRow(slot, [-1]), /token -1/],
  ['a parent that comes later', () => treeRow(slot, [1, 2], [1, 0]), /row 0 has parent 1/],
  ['a row that is its own parent', () => treeRow(slot, [1, 2], [-1, 1]), /row 1 has parent 1/],
  ['a parent below the root', () => treeRow(slot, [1], [-2]), /row 0 has parent -2/],
  ['logits from beyond the rows', () => chainRow(slot, [1], 2), /logitsFrom/],
];

describe('a step', () => {
  it.each(wrongRows)('refuses %s', async (_, row, message) => {
    await expect(engine.step([row()])).rejects.toThrow(message);
    expect(slot.length).toBe(3);
  });

  it('refuses the same session twice', async () => {
    const rows = [chainRow(slot, [1]), chainRow(slot, [2])];
    await expect(engine.step(rows)).rejects.toThrow(/once a step/);
  });

  it('refuses a second step while one is in flight', async () => {
    const first = engine.step([chainRow(slot, [1])]);
    await expect(engine.step([chainRow(slot, [1])])).rejects.toThrow(/in flight/);
    await first;
  });

  it('refuses a slot that was given back', async () => {
    const other = engine.acquire(Int32Array.of(1), 10, 'alone')!;
    engine.release(other);
    await expect(engine.step([chainRow(other, [1])])).rejects.toThrow(/not held/);
    expect(() => engine.commit(other, [0], 1)).toThrow(/not held/);
  });

  it('with no rows does nothing', async () => {
    await expect(engine.step([])).resolves.toBeUndefined();
  });
});

describe('a commit', () => {
  it.each([
    ['a row that was not fed', [0, 3]],
    ['a path that jumps', [0, 2]],
    ['a path that begins below the root', [1]],
    ['a path that goes back', [0, 0]],
  ])('refuses %s', async (_, path) => {
    await engine.step([treeRow(slot, [1, 2, 3], [-1, 0, 1])]);
    expect(() => engine.commit(slot, path, path.length)).toThrow(/does not follow/);
    expect(slot.length).toBe(3);
  });

  it('cannot be made twice of one step', async () => {
    const other = engine.acquire(Int32Array.of(1, 2), 20, 'alone')!;
    await engine.step([chainRow(other, [1])]);
    engine.commit(other, [0], 1);
    expect(() => engine.commit(other, [0], 1)).toThrow(/0 rows/);
    engine.release(other);
  });
});

it('can be refused and go on to the last token of its slot', async () => {
  for (let length = 3; length < slot.capacity; length++) await feed(engine, slot, [length]);
  expect(slot.length).toBe(slot.capacity);
  await expect(engine.step([chainRow(slot, [1])])).rejects.toThrow(/exceed/);
});

it('does not open for less memory than one context takes', async () => {
  const opened = openEngine(SMALL, { maxContext: 256, memoryBytes: 10_000, cacheFolder });
  await expect(opened).rejects.toThrow(/needs \d+ bytes.*allow more memory, or lower/);
});
