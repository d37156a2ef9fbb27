/** What a network may cost where it or its times are strange, and who pays for whom. */
import { describe, expect, test, vi } from 'vitest';
import {
  allSpent,
  right,
  STEP_MS,
  step,
  type Turn,
  truth,
  type World,
  world,
  wrong,
} from './networked-world.ts';
import type { Script } from './scripted-network.ts';

/** Right about one token, and wrong about the next. */
const oneRight: Script = (path, position) => [
  [path.length > 0 ? (truth(position) + 1) % 1000 : truth(position), 0.9],
];
const LONG = { maxTokens: 100_000 };

async function passes(made: World, turns: readonly Turn[], steps: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += await step(made, turns);
  return sum;
}

describe('a network', () => {
  test.each([
    [4, 60],
    [1, 200],
  ])(
    'expected to take %i ms that always takes %i costs no more than its share',
    async (expected, ms) => {
      const made = world(oneRight);
      made.network.costs = () => expected;
      made.network.during = () => {
        made.time.ms += ms;
      };
      const turn = made.begin('a', 8, LONG);
      const steps = 2000;
      await passes(made, [turn], steps);
      const tokens = steps + allSpent(made.drafters, 'tokens');
      expect((tokens * STEP_MS) / made.time.ms).toBeGreaterThan(0.97);
    },
  );

  test('is paid for by those who are asked, not by one beside them that could not pay', async () => {
    const made = world(wrong);
    made.network.costs = () => 4;
    made.network.during = () => {
      made.time.ms += 4;
    };
    const [poor, second] = [made.begin('poor', 8, LONG), made.begin('poor', 8, LONG)];
    await passes(made, [poor, second], 200);
    const asked = vi.spyOn(poor.seat.networked!, 'question');
    for (let i = 0; i < 7; i++) {
      const other = made.begin(`other ${i}`, 8, LONG);
      expect(await passes(made, [poor, other], 40)).toBeGreaterThan(10);
      other.seat.end();
    }
    // Its share of 280 steps pays for as many of its runs as it would alone.
    expect(asked.mock.calls.length).toBeGreaterThan(4);
  });

  test('that hangs once and fails is tried again, by those too that were not in the run', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const made = world(oneRight);
    let hangs = false;
    made.network.costs = () => 4;
    made.network.during = () => {
      made.time.ms += hangs ? 10_000 : 4;
      if (!hangs) return;
      hangs = false;
      throw new Error('timeout');
    };
    const [a, b] = [made.begin('a', 8, LONG), made.begin('b', 8, LONG)];
    await passes(made, [a, b], 50);
    hangs = true;
    await step(made, [a]);
    expect(await passes(made, [b], 20)).toBeGreaterThan(10);
    expect(await passes(made, [a], 1000)).toBeGreaterThan(500);
    expect(complaint).toHaveBeenCalledOnce();
    complaint.mockRestore();
  });

  test('that began to pay is found out, though looking for what to ask takes time', async () => {
    const made = world(oneRight);
    made.network.costs = () => 1.7;
    made.network.during = () => {
      made.time.ms += 1.7;
    };
    const turn = made.begin('a', 8, LONG);
    const { networked } = turn.seat;
    const openNodes = networked!.openNodes.bind(networked);
    networked!.openNodes = () => {
      made.time.ms += 0.2;
      return openNodes();
    };
    // Its nodes take more than they bring, until the stake is gone.
    let steps = 0;
    for (let asked = 1; asked > 0 && steps < 2000; steps += 50) {
      asked = 0;
      for (let i = 0; i < 50; i++) asked += await step(made, [turn], 3 * STEP_MS);
    }
    expect(steps).toBeLessThan(2000);
    await passes(made, [turn], 500);
    expect(await passes(made, [turn], 200)).toBeGreaterThan(150);
  });

  test('is left to others by namespaces that come once and go', async () => {
    const made = world(right);
    made.network.costs = () => 4;
    made.network.during = () => {
      made.time.ms += 4;
    };
    for (let i = 0; i < 300; i++) {
      const turn = made.begin(`once ${i}`);
      await step(made, [turn]);
      turn.seat.end();
    }
    expect(await passes(made, [made.begin('stays', 200, LONG)], 100)).toBeGreaterThan(90);
  });

  test('with no room for a text is not asked about it', async () => {
    const made = world(right);
    Object.assign(made.network, { mostContext: 100 });
    expect(await passes(made, [made.begin('a', 200)], 5)).toBe(0);
    expect(made.network.places).toBe(0);
  });

  test('reads a text anew where what it has not read does not fit any more', async () => {
    const made = world(right, { always: { passes: 1, nodes: 4 } });
    const turn = made.begin('a', 8, LONG);
    await step(made, [turn]);
    const entered = vi.spyOn(made.network, 'enter');
    turn.commit(300);
    await step(made, [turn]);
    expect(entered).not.toHaveBeenCalled();
    turn.commit(340);
    await step(made, [turn]);
    expect(entered).toHaveBeenCalledOnce();
  });
});
