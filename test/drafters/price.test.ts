/** What asking a network may cost, and who pays for trying it. */
import { describe, expect, test } from 'vitest';
import { Gain } from '../../gpu-backend/drafters/gain.ts';
import { Price, Purse, Stake } from '../../gpu-backend/drafters/price.ts';
import { allSpent, right, settle, world, wrong } from './networked-world.ts';
import type { Script } from './scripted-network.ts';

/** Steps of `stepMs` in which the target commits what the tree carries; times as fast as without the network. */
async function speed(script: Script, runMs: number, steps: number, stepMs = 20): Promise<number> {
  const { time, network, drafters, begin } = world(script);
  network.costs = (rows) => runMs * (1 + 0.01 * rows);
  network.during = (rows) => {
    time.ms += runMs * (1 + 0.01 * rows);
  };
  const turn = begin();
  let tokens = 0;
  for (let step = 0; step < steps; step++) {
    await drafters.prepare([turn.seat], 1);
    const accepted = turn.depth(turn.drawn(8));
    time.ms += stepMs;
    turn.commit(1 + accepted);
    tokens += 1 + accepted;
    settle(
      drafters,
      [{ seat: turn.seat, tokens: 1 + accepted, extra: accepted, extraMs: 0 }],
      stepMs,
    );
  }
  return tokens / (time.ms / stepMs);
}

describe('the price of asking', () => {
  test('is paid where the words come true and a run is quick', async () => {
    expect(await speed(right, 2, 300)).toBeGreaterThan(2);
  });

  test.each([2, 20, 200])('is lost once where they never do: runs of %i ms', async (runMs) => {
    expect(await speed(wrong, runMs, 3000)).toBeGreaterThan(0.985);
  });

  test('is not paid where a run takes longer than what it saves', async () => {
    expect(await speed(right, 60, 3000)).toBeGreaterThan(0.985);
  });

  test('the nodes that its words lead to are paid for as its passes are', async () => {
    const stepMs = 20;
    const { network, drafters, begin } = world(right);
    network.costs = () => 0.1;
    const turn = begin();
    const step = async (nodeMs: number) => {
      await drafters.prepare([turn.seat], 1);
      turn.commit(2);
      const outcome = { seat: turn.seat, tokens: 2, extra: 1, extraMs: nodeMs };
      settle(drafters, [outcome], stepMs + nodeMs);
    };
    for (let i = 0; i < 100; i++) await step(10);
    expect(allSpent(drafters, 'verifyMilliseconds')).toBe(1000);
    const asked = allSpent(drafters, 'passes');
    expect(asked).toBeGreaterThan(80);
    // A token more in a step that takes twice as long and longer brings nothing.
    for (let i = 0; i < 400; i++) await step(30);
    const before = allSpent(drafters, 'passes');
    for (let i = 0; i < 100; i++) await step(30);
    expect(allSpent(drafters, 'passes') - before).toBeLessThan(10);
  });

  test('is shared by all that step, drafted for or not: a token of one is worth less beside seven', async () => {
    const passesBeside = async (others: number) => {
      const { time, network, drafters, begin } = world(right);
      network.costs = () => 1;
      network.during = () => {
        time.ms += 1;
      };
      const turn = begin();
      for (let i = 0; i < 400; i++) {
        await drafters.prepare([turn.seat], 1 + others);
        turn.commit(1);
        // Three steps in ten commit a token more.
        const extra = i % 10 < 3 ? 1 : 0;
        const step = { ms: 8, sessions: 1 + others, tokens: 1 + extra + others };
        drafters.settle([{ seat: turn.seat, tokens: 1 + extra, extra, extraMs: 0 }], step);
      }
      return allSpent(drafters, 'passes');
    };
    expect(await passesBeside(0)).toBeGreaterThan(300);
    expect(await passesBeside(7)).toBeLessThan(100);
  });

  test('is learned by how many step, drafted for or not: nothing is asked before a class of load is known', async () => {
    const { network, drafters, begin } = world(right);
    network.costs = () => 0.1;
    const turn = begin();
    const asked = async (sessions: number) => {
      const before = allSpent(drafters, 'passes');
      await drafters.prepare([turn.seat], sessions);
      turn.commit(2);
      const outcome = { seat: turn.seat, tokens: 2, extra: 1, extraMs: 0 };
      drafters.settle([outcome], { ms: 20, sessions, tokens: 1 + sessions });
      return allSpent(drafters, 'passes') > before;
    };
    expect([await asked(1), await asked(1), await asked(8), await asked(8)]).toEqual([
      ...[false, true, false, true],
    ]);
  });

  test('a first run that takes long counts as three times what was expected', async () => {
    const stepMs = 20;
    const { time, network, drafters, begin } = world(right);
    network.costs = () => 4;
    let runMs = 20 * stepMs;
    network.during = () => {
      time.ms += runMs;
      runMs = 4;
    };
    const turn = begin();
    for (let i = 0; i < 10; i++) {
      await drafters.prepare([turn.seat], 1);
      turn.commit(1);
      settle(drafters, [{ seat: turn.seat, tokens: 1, extra: 0, extraMs: 0 }], stepMs);
    }
    // The whole stake would have gone with it.
    expect(allSpent(drafters, 'passes')).toBeGreaterThan(5);
    expect(allSpent(drafters, 'milliseconds')).toBeGreaterThan(20 * stepMs);
  });

  test('an allowance is refilled by a share of all time, and by what was gained', () => {
    const price = new Price(new Stake(new Purse()));
    expect(price.affords(0)).toBe(false);
    price.settle(20, 1, 0, 0);
    expect(price.affords(100)).toBe(true);
    expect(price.affords(20 * 40)).toBe(false);
    price.settle(20, 1, 0, 20 * 40);
    expect(price.affords(0)).toBe(false);
    for (let i = 0; i < 15; i++) price.settle(20, 2, 2, 10);
    expect(price.affords(0)).toBe(false);
    for (let i = 0; i < 60; i++) price.settle(20, 2, 2, 10);
    expect(price.affords(0)).toBe(true);
  });

  test('prices that share a step share its allowance', () => {
    // All stakes are out: what is left is the allowance.
    const purse = new Purse();
    for (let i = 0; i < 8; i++) purse.take();
    const [alone, shared] = [1, 16].map((among) => {
      const price = new Price(new Stake(purse));
      for (let i = 0; i < 100; i++) price.settle(20, 1, 0, 0, among);
      return price;
    });
    expect(alone!.affords(0.35 * 20)).toBe(true);
    expect(shared!.affords(0.05 * 20)).toBe(false);
    expect(shared!.affords(0.02 * 20)).toBe(true);
  });

  test('however many namespaces come, trying a network on them costs no more', async () => {
    const stepMs = 20;
    const { time, network, drafters, begin } = world(wrong);
    network.costs = () => 4;
    network.during = () => {
      time.ms += 4;
    };
    const namespaces = 200;
    for (let i = 0; i < namespaces; i++) {
      const turn = begin(`${i}`);
      for (let step = 0; step < 20; step++) {
        await drafters.prepare([turn.seat], 1);
        turn.commit(1);
        settle(drafters, [{ seat: turn.seat, tokens: 1, extra: 0, extraMs: 0 }], stepMs);
      }
      turn.seat.end();
    }
    // 64 steps' worth to begin with, and 0.4 % of 4,000 steps for all and for each of them.
    expect(time.ms / stepMs).toBeGreaterThan(10);
    expect(time.ms / stepMs).toBeLessThan(64 + 2 * 0.004 * namespaces * 20);
  });

  test('one namespace tries it with one stake, at whatever load, and leaves the others theirs', () => {
    const purse = new Purse();
    const stake = new Stake(purse);
    for (let load = 0; load < 8; load++) {
      const price = new Price(stake);
      price.settle(20, 1, 0, 0);
      expect(price.affords(20)).toBe(load === 0);
      price.settle(20, 1, 0, 20 * 40);
    }
    const other = new Price(new Stake(purse));
    other.settle(20, 1, 0, 0);
    expect(other.affords(20 * 8)).toBe(true);
  });

  test('a stake goes back when its price has earned it, what was lost of it too', () => {
    const purse = new Purse();
    for (let i = 0; i < 40; i++) {
      const price = new Price(new Stake(purse));
      price.settle(20, 1, 0, 0);
      expect(price.affords(20 * 8)).toBe(true);
      price.settle(20, 1, 0, 20 * 6);
      expect(price.affords(20 * 3)).toBe(false);
      for (let step = 0; step < 60; step++) price.settle(20, 2, 1, 2);
      expect(price.affords(20 * 2)).toBe(true);
    }
  });

  test('a namespace that earned its stake has another for a new load', () => {
    const stake = new Stake(new Purse());
    const price = new Price(stake);
    for (let step = 0; step < 60; step++) price.settle(20, 2, 1, 2);
    const next = new Price(stake);
    next.settle(20, 1, 0, 0);
    expect(next.affords(20 * 8)).toBe(true);
    expect(price.affords(20 * 8)).toBe(true);
  });

  test('what asking brings is learned by what is known before', () => {
    const gain = new Gain();
    const sure = { covered: 0.1, likely: 0.9, entropy: 0.3, depth: 1 };
    const vague = { covered: 0.1, likely: 0.1, entropy: 3, depth: 4 };
    for (let i = 0; i < 400; i++) {
      gain.learn(sure, i % 10 !== 0);
      gain.learn(vague, i % 10 === 0);
    }
    expect(gain.expected(sure)).toBeGreaterThan(0.75);
    expect(gain.expected(vague)).toBeLessThan(0.25);
  });
});
