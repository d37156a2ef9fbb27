import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frontier } from '../../src/draft/blend/frontier.ts';

test('hands out the best candidates that fit, as sorting all of them would', () => {
  const candidates = fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { maxLength: 120 });
  fc.assert(
    fc.property(candidates, fc.nat(40), (probs, room) => {
      const frontier = new Frontier();
      frontier.clear(room);
      probs.forEach((prob, i) => {
        frontier.push(prob, i, 0, 3);
        frontier.checkIntegrity();
      });
      const taken: number[] = [];
      while (frontier.pop()) {
        frontier.checkIntegrity();
        expect(probs[frontier.token]).toBe(frontier.prob);
        taken.push(frontier.prob);
      }
      expect(taken).toEqual([...probs].sort((a, b) => b - a).slice(0, room));
    }),
  );
});

test('in between pops a new candidate enters only above the floor, and a refund makes room', () => {
  const frontier = new Frontier();
  frontier.clear(2);
  for (const prob of [0.5, 0.4, 0.3]) frontier.push(prob, 0, 0, 3);
  expect(frontier.pop()).toBe(true);
  expect(frontier.floor).toBe(0.4);
  frontier.push(0.35, 1, 0, 3);
  frontier.checkIntegrity();
  frontier.refund();
  frontier.push(0.2, 2, 0, 3);
  frontier.checkIntegrity();
  expect([frontier.pop(), frontier.prob]).toEqual([true, 0.4]);
  expect([frontier.pop(), frontier.prob]).toEqual([true, 0.2]);
  expect(frontier.pop()).toBe(false);
});

test('without room nothing is kept', () => {
  for (const room of [0, -1]) {
    const frontier = new Frontier();
    frontier.clear(room);
    frontier.push(1, 0, 0, 3);
    expect(frontier.pop()).toBe(false);
  }
});
