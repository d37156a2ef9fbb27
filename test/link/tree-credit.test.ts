/** Credit for trees: returned as they are used, and sparingly while nothing of them is. */
import { expect, test } from 'vitest';
import { TREE_CREDIT, TreeCredit } from '../../gpu-backend/turn/tree-credit.ts';

/** A worker that sends a tree after every step for which it has credit; the trees it sent. */
function treesSent(steps: number, nodes: (step: number) => number, stands = true): number {
  const credit = new TreeCredit();
  let left = TREE_CREDIT;
  let sent = 0;
  for (let step = 0; step < steps; step++) {
    if (left > 0) {
      left--;
      sent++;
      credit.take();
    }
    credit.step(nodes(step), stands);
    left += credit.release();
  }
  return sent;
}

test('trees that are verified are credited back at once', () => {
  expect(treesSent(100, () => 5)).toBe(100);
});

test('of trees that nothing is verified of, one in eight steps is credited back', () => {
  expect(treesSent(160, () => 0)).toBeLessThanOrEqual(TREE_CREDIT + 160 / 8);
  expect(treesSent(160, () => 0)).toBeGreaterThanOrEqual(160 / 8);
});

test('a verifier that has no tree to verify asks for more of them', () => {
  expect(treesSent(100, () => 0, false)).toBe(100);
});

test('once nodes are verified again all credit is back', () => {
  const pausedFor = 40;
  const unwanted = treesSent(pausedFor, () => 0);
  const resumed = treesSent(2 * pausedFor, (step) => (step < pausedFor ? 0 : 3));
  expect(resumed).toBe(unwanted + pausedFor);
});

test('a tree beyond the credit is refused', () => {
  const credit = new TreeCredit();
  for (let i = 0; i < TREE_CREDIT; i++) credit.take();
  expect(() => credit.take()).toThrow('wait for credit');
});
