/** A plan's cost is that of the runs that the engine would make of the same rows, row by row as it grows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CostModel, type RunLoad } from '../../gpu-backend/engine/cost-model.ts';
import type { StepRow } from '../../gpu-backend/engine/engine.ts';
import { ofFixedShapes } from '../../gpu-backend/engine/fixed-shape.ts';
import type { KvPool } from '../../gpu-backend/engine/kv-pool.ts';
import { type Member, ownLane } from '../../gpu-backend/engine/lane.ts';
import { loadOf, OwnLanesPlan, SharedLanesPlan } from '../../gpu-backend/engine/lane-plan.ts';
import { partsOf } from '../../gpu-backend/engine/parts.ts';
import { sharedLanes } from '../../gpu-backend/engine/shared-lanes.ts';
import { KvSlot } from '../../gpu-backend/engine/slots.ts';

const model = new CostModel({ run: 20, row: 3, attended: 0.001, lane: 0.2 });
const CAPACITY = 512;
const LEAST_ROWS = 2;
const SHARED = { least: LEAST_ROWS, mostLanes: 3, packedRows: 16 } as const;
const OWN = { lanesOfRun: 3, least: LEAST_ROWS, mostRows: Number.POSITIVE_INFINITY } as const;

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
      const plan = new OwnLanesPlan(model, slots, OWN);
      for (const pick of [-1, ...added]) {
        if (pick >= 0) {
          counts[pick % slots.length]!++;
          plan.add(pick % slots.length);
        }
        const lanes = members(slots, counts).map((member) => ownLane(member, LEAST_ROWS));
        let cost = 0;
        for (let at = 0; at < lanes.length; at += OWN.lanesOfRun) {
          cost += model.expected(loadOf(lanes.slice(at, at + OWN.lanesOfRun)));
        }
        expect(plan.cost).toBeCloseTo(cost, 6);
      }
    }),
  );
});

test('with runs of its own for a session of more rows than one run takes', () => {
  const limited = { ...OWN, least: 1, mostRows: 6 } as const;
  fc.assert(
    fc.property(lengths, additions, (of, added) => {
      const slots = slotsOf(of);
      const counts = slots.map(() => 1);
      const plan = new OwnLanesPlan(model, slots, limited);
      for (const pick of [-1, ...added]) {
        if (pick >= 0) {
          counts[pick % slots.length]!++;
          plan.add(pick % slots.length);
        }
        const all = members(slots, counts);
        const whole = all.filter(({ row }) => row.count <= limited.mostRows);
        const runs: Member[][] = [];
        for (let at = 0; at < whole.length; at += limited.lanesOfRun) {
          runs.push(whole.slice(at, at + limited.lanesOfRun));
        }
        for (const { slot, row } of all) {
          if (row.count <= limited.mostRows) continue;
          runs.push(...partsOf(row, limited.mostRows).map((part) => [{ slot, row: part }]));
        }
        const cost = runs
          .map((run) => model.expected(loadOf(run.map((member) => ownLane(member, 1)))))
          .reduce((sum, one) => sum + one, 0);
        expect(plan.cost).toBeCloseTo(cost, 6);
      }
    }),
  );
});

test.each([
  ['as they come', false],
  ['padded to few shapes', true],
])('with lanes that neighbours share, those too large for one apart, %s', (_, fixed) => {
  const fewer = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(lengths, fewer, additions, (of, idle, added) => {
      const all = slotsOf(of);
      const slots = all.filter((_, i) => i === 0 || i % 4 !== idle);
      const counts = slots.map(() => 1);
      const plan = new SharedLanesPlan(model, slots, SHARED, fixed);
      for (const pick of [-1, ...added]) {
        // Mostly the first, which so outgrows a shared lane.
        const index = pick % 3 === 0 ? pick % slots.length : 0;
        if (pick >= 0) {
          counts[index]!++;
          plan.add(index);
        }
      }
      const lanes = sharedLanes(members(slots, counts), all, SHARED);
      const run = fixed ? ofFixedShapes(lanes, SHARED.packedRows) : lanes;
      expect(plan.cost).toBeCloseTo(model.expected(loadOf(run)), 6);
    }),
  );
});

test('the first node of a session costs nothing where its row was padded anyway', () => {
  const plan = new OwnLanesPlan(model, slotsOf([100, 200]), OWN);
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
    new OwnLanesPlan(model, slotsOf([10, 300]), OWN),
    new SharedLanesPlan(model, slotsOf([10, 300]), SHARED),
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
