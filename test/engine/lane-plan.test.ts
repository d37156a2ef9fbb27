/** A plan's cost is that of the runs that the engine would make of the same rows, row by row as it grows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CostModel, type RunLoad } from '../../gpu-backend/engine/cost-model.ts';
import type { StepRow } from '../../gpu-backend/engine/engine.ts';
import type { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { type Member, ownLane, sharedLanes } from '../../gpu-backend/engine/lane.ts';
import { loadOf, OwnLanesPlan, SharedLanesPlan } from '../../gpu-backend/engine/lane-plan.ts';
import { KvSlot } from '../../gpu-backend/engine/slots.ts';

const model = new CostModel({ run: 20, row: 3, attended: 0.001, lane: 0.2 });
const CAPACITY = 512;
const LANES = 3;
const LEAST_ROWS = 2;

/** Two pools of slots, as one engine has them. */
function slotsOf(lengths: readonly number[]): KvSlot[] {
  const pools = [288, 544].map((stride) => ({ stride }) as KvPool);
  return lengths.map((length, i) => {
    const slot = new KvSlot(pools[i % 2]!, i >> 1, CAPACITY);
    slot.length = length;
    return slot;
  });
}

function rowOf(slot: KvSlot, count: number): StepRow {
  const empty = { tokens: new Int32Array(0), parents: new Int16Array(0) };
  return { slot, count, ...empty, logitsFrom: 0, logits: new Float32Array(0) };
}

function members(slots: readonly KvSlot[], counts: readonly number[]): Member[] {
  return slots.map((slot, i) => ({ slot, row: rowOf(slot, counts[i]!) }));
}

const lengths = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 7 });
const additions = fc.array(fc.nat(), { maxLength: 90 });

test('with lanes of their own, in as many runs as they take', () => {
  fc.assert(
    fc.property(lengths, additions, (of, added) => {
      const slots = slotsOf(of);
      const counts = slots.map(() => 1);
      const plan = new OwnLanesPlan(model, slots, LANES, LEAST_ROWS);
      for (const pick of [-1, ...added]) {
        if (pick >= 0) {
          counts[pick % slots.length]!++;
          plan.add(pick % slots.length);
        }
        const lanes = members(slots, counts).map((member) => ownLane(member, LEAST_ROWS));
        let cost = 0;
        for (let at = 0; at < lanes.length; at += LANES) {
          cost += model.expected(loadOf(lanes.slice(at, at + LANES)));
        }
        expect(plan.cost).toBeCloseTo(cost, 6);
      }
    }),
  );
});

test('with lanes that neighbours share, those too large for one apart', () => {
  const fewer = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(lengths, fewer, additions, (of, idle, added) => {
      const all = slotsOf(of);
      const slots = all.filter((_, i) => i === 0 || i % 4 !== idle);
      const counts = slots.map(() => 1);
      const plan = new SharedLanesPlan(model, slots, LEAST_ROWS);
      for (const pick of [-1, ...added]) {
        // Mostly the first, which so outgrows a shared lane.
        const index = pick % 3 === 0 ? pick % slots.length : 0;
        if (pick >= 0) {
          counts[index]!++;
          plan.add(index);
        }
      }
      const lanes = sharedLanes(members(slots, counts), all, LEAST_ROWS);
      expect(plan.cost).toBeCloseTo(model.expected(loadOf(lanes)), 6);
    }),
  );
});

test('the first node of a session costs nothing where its row was padded anyway', () => {
  const plan = new OwnLanesPlan(model, slotsOf([100, 200]), 8, LEAST_ROWS);
  const before = plan.cost;
  plan.add(0);
  plan.add(1);
  expect(plan.cost).toBe(before);
  plan.add(0);
  expect(plan.cost).toBeGreaterThan(before);
});

test('more rows never make a plan cheaper', () => {
  const load = (plan: { cost: number }) => plan.cost;
  for (const plan of [
    new OwnLanesPlan(model, slotsOf([10, 300]), 8, LEAST_ROWS),
    new SharedLanesPlan(model, slotsOf([10, 300]), LEAST_ROWS),
  ]) {
    let before = load(plan);
    for (let i = 0; i < 80; i++) {
      plan.add(0);
      expect(load(plan)).toBeGreaterThanOrEqual(before);
      before = load(plan);
    }
  }
});

test('what a run was given is what its lanes compute', () => {
  const [slot] = slotsOf([100]);
  const expected: RunLoad = { rows: 5, attended: 5 * 128, lanes: 1 };
  expect(loadOf(members([slot!], [5]).map((member) => ownLane(member, LEAST_ROWS)))).toEqual(
    expected,
  );
});
