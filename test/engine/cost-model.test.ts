/** What steps are expected to take, from a guess to what was measured, whatever was measured. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CostModel, type RunLoad } from '../../gpu-backend/engine/cost-model.ts';

const PRIOR = { run: 20, row: 3, attended: 0.0001, lane: 0.2 };
const load = (rows: number, lanes = 1, context = 128): RunLoad => ({
  rows,
  lanes,
  attended: rows * context,
});
const ROWS = [2, 4, 8, 16, 32, 64, 128];
const ratio = (model: CostModel, rows: number) =>
  model.expected(load(rows)) / model.expected(load(2));

/** Close to measured steps of SmolLM2 in 4 bits. */
const real = (rows: number) => 14 + 2.95 * rows;

describe('before anything was measured', () => {
  test('rows cost what the shape of the model says', () => {
    const model = new CostModel(PRIOR);
    expect(model.expected(load(66)) - model.expected(load(2))).toBeCloseTo(64 * (3 + 0.0128), 5);
  });

  test('the first step sets the scale, and no more than that', () => {
    const model = new CostModel(PRIOR);
    const before = ROWS.map((rows) => ratio(model, rows));
    model.observe(load(2), 500);
    expect(model.expected(load(2))).toBeCloseTo(500);
    ROWS.forEach((rows, i) => {
      expect(ratio(model, rows)).toBeCloseTo(before[i]!);
    });
  });
});

test('some dozens of steps of one kind or another teach all of them', () => {
  const model = new CostModel({ ...PRIOR, row: 0.6 });
  for (let i = 0; i < 36; i++) {
    const rows = [2, 6, 20][i % 3]!;
    model.observe(load(rows), real(rows));
  }
  for (const rows of [2, 4, 12, 32, 64]) {
    expect(Math.abs(model.expected(load(rows)) / real(rows) - 1)).toBeLessThan(0.2);
  }
});

test('one step that took ten times as long changes next to nothing', () => {
  const model = new CostModel(PRIOR);
  for (let i = 0; i < 40; i++) model.observe(load(i % 2 ? 2 : 16), real(i % 2 ? 2 : 16));
  const before = ratio(model, 16);
  model.observe(load(16), 10 * real(16));
  expect(ratio(model, 16) / before).toBeLessThan(1.1);
});

test('a machine that becomes slower as a whole changes no tree', () => {
  const model = new CostModel(PRIOR);
  for (let i = 0; i < 60; i++) model.observe(load(i % 2 ? 2 : 16), real(i % 2 ? 2 : 16));
  const before = ratio(model, 16);
  for (let i = 0; i < 30; i++) model.observe(load(16), 3 * real(16));
  expect(model.expected(load(16)) / real(16)).toBeGreaterThan(2.4);
  expect(ratio(model, 16) / before).toBeLessThan(1.25);
});

test('whatever is measured, a row more never costs less, and never nothing', () => {
  const step = fc.tuple(
    fc.integer({ min: 2, max: 300 }),
    fc.integer({ min: 1, max: 8 }),
    fc.double({ min: 0.001, max: 60_000, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new CostModel(PRIOR);
      for (const [rows, lanes, ms] of steps) model.observe(load(rows, lanes), ms);
      for (let rows = 2; rows < 300; rows++) {
        expect(model.expected(load(rows + 1))).toBeGreaterThan(model.expected(load(rows)));
      }
      // 114 ms for 2 rows and for 64, as was once believed, can't be.
      expect(ratio(model, 64)).toBeGreaterThan(1.2);
      expect(Number.isFinite(ratio(model, 64))).toBe(true);
    }),
  );
});
