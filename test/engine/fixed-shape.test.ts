/** Steps come in few shapes, and which of them are captured. */
import { describe, expect, it } from 'vitest';
import { areDecoding, ofFixedShapes } from '../../gpu-backend/engine/fixed-shape.ts';
import { GraphIds, shapeOf } from '../../gpu-backend/engine/graph-ids.ts';
import type { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { type Lane, ownLane } from '../../gpu-backend/engine/lane.ts';
import { KvSlot } from '../../gpu-backend/engine/slots.ts';

const pool = { stride: 1088, blocks: [{ address: 7n }] } as unknown as KvPool;

/** Of one session that feeds `count` rows after `length` tokens. */
function laneOf(length: number, count: number, logitsFrom = 0, index = 0): Lane {
  const slot = new KvSlot(pool, index, 1024);
  slot.length = length;
  const empty = { tokens: new Int32Array(0), parents: new Int16Array(0) };
  const row = { slot, count, ...empty, logitsFrom, logits: new Float32Array(0) };
  return ownLane({ slot, row }, 2);
}

/** Alone in a step. */
function ofFixedShape(lane: Lane, packedRows = Number.POSITIVE_INFINITY): Lane {
  return ofFixedShapes([lane], packedRows)[0]!;
}

describe('a lane of a fixed shape', () => {
  it.each([
    [10, 1, 2, 128],
    [10, 3, 4, 128],
    [100, 16, 16, 128],
    [120, 9, 16, 256],
    [700, 33, 64, 1024],
    // Padding to a power of two would exceed the slot and what lies behind it.
    [1000, 20, 32, 1088],
  ])('after %i tokens with %i rows has %i rows over %i', (length, count, rows, width) => {
    expect(ofFixedShape(laneOf(length, count))).toMatchObject({ rows, width });
  });

  it('keeps its rows where padding would bring the step over what is multiplied as it lies', () => {
    expect(ofFixedShape(laneOf(100, 5), 5)).toMatchObject({ rows: 5, width: 128 });
    expect(ofFixedShape(laneOf(100, 5), 8)).toMatchObject({ rows: 8 });
    expect(ofFixedShape(laneOf(100, 6), 5)).toMatchObject({ rows: 8 });
    const shared = { ...laneOf(100, 5), slots: [0, 1, 2].map((i) => laneOf(9, 5, 0, i).slots[0]!) };
    expect(ofFixedShape(shared, 16)).toMatchObject({ rows: 5 });
    expect(ofFixedShape(shared, 24)).toMatchObject({ rows: 8 });
  });

  it('is left as it is where it is a part of a prompt', () => {
    const chunk = laneOf(0, 200, 200);
    expect(ofFixedShape(chunk)).toBe(chunk);
    expect(areDecoding([chunk])).toBe(false);
    expect(areDecoding([laneOf(0, 40, 40)])).toBe(false);
    expect(areDecoding([laneOf(0, 40)])).toBe(true);
  });
});

describe('captured graphs', () => {
  it('are told apart by slot, rows and width, and by nothing else', () => {
    const shape = (lane: Lane) => shapeOf([ofFixedShape(lane)]);
    expect(shape(laneOf(20, 3))).toBe(shape(laneOf(90, 4)));
    const others = [laneOf(20, 5), laneOf(150, 3), laneOf(20, 3, 0, 1)].map(shape);
    expect(new Set([...others, shape(laneOf(20, 3))]).size).toBe(4);
  });

  it('are made of a shape that comes again, under a number each', () => {
    const ids = new GraphIds();
    expect(ids.comesAgain('a')).toBe(false);
    expect(ids.comesAgain('b')).toBe(false);
    expect(ids.comesAgain('a')).toBe(true);
    expect(ids.captured('a')).toBeUndefined();
    ids.add('a');
    ids.add('b');
    expect([ids.captured('a'), ids.captured('b')]).toEqual([1, 2]);
  });

  it('are not tried again of a shape whose capture failed, nor under its number', () => {
    const ids = new GraphIds();
    ids.comesAgain('a');
    ids.refuse('a');
    expect([ids.comesAgain('a'), ids.comesAgain('a')]).toEqual([false, false]);
    expect(ids.captured('a')).toBeUndefined();
    ids.add('b');
    expect(ids.captured('b')).toBe(2);
  });

  it('are no more than a device has room for', () => {
    const ids = new GraphIds();
    for (let i = 0; i < 512; i++) ids.add(`${i}`);
    expect(ids.comesAgain('further')).toBe(false);
    expect(ids.comesAgain('further')).toBe(false);
    expect(ids.captured('511')).toBe(512);
  });
});
