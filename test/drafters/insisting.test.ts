/** A turn that the network's words are to move asks at any price, and nobody else pays for that. */
import { describe, expect, test, vi } from 'vitest';
import { right, settle, type World, world } from './networked-world.ts';

const MOVED = { transfer: 10, warp: { temperature: 1, topK: 0, topP: 1 } };

/** Steps of a target that takes a millisecond for a token, with a network that takes a second for a run. */
async function steps({ drafters, time }: World, turns: readonly Begun[], count: number) {
  for (let step = 0; step < count; step++) {
    await drafters.prepare(
      turns.map(({ seat }) => seat),
      turns.length,
    );
    settle(
      drafters,
      turns.map(({ seat }) => ({ seat, tokens: 1, extra: 0, extraMs: 0 })),
      1,
    );
    for (const turn of turns) turn.commit(1);
    time.ms += 1;
  }
}
type Begun = ReturnType<World['begin']>;

function dear(): World {
  const made = world(right);
  made.network.costs = () => 1000;
  made.network.during = () => {
    made.time.ms += 1000;
  };
  return made;
}

describe('a turn that insists on the network', () => {
  test('is asked before every step though that never pays, and its words come without noise', async () => {
    const made = dear();
    const [moved, plain] = [made.begin('a', 8, MOVED), made.begin('b')];
    await steps(made, [plain], 4);
    expect(made.network.runs).toHaveLength(0);
    await steps(made, [moved], 4);
    expect(made.network.runs.length).toBeGreaterThanOrEqual(4);
    await made.drafters.prepare([moved.seat], 1);
    const words = moved.seat.networked!.words(moved.drawn());
    expect(words[0]!.node).toBe(-1);
    expect(words[0]!.tokens[0]).toBe(moved.next());
    // As far as the path is likely: 0.9 a token, and not below 0.4.
    expect(words.length).toBeGreaterThan(3);
  });

  test('at temperature 0, where nothing can be moved, is a turn like others', async () => {
    const made = dear();
    const greedy = made.begin('a', 8, { transfer: 10 });
    expect(greedy.seat.networked!.insists).toBe(false);
    await steps(made, [greedy], 4);
    expect(made.network.runs).toHaveLength(0);
  });

  test('costs a turn beside it one run a step, and none of its allowance', async () => {
    const made = world(right);
    const [moved, plain] = [made.begin('a', 8, MOVED), made.begin('b')];
    const alone = world(right);
    const same = alone.begin('b');
    for (const one of [made, alone]) one.network.costs = () => 0.5;
    await steps(made, [plain], 1);
    await steps(alone, [same], 1);
    made.network.during = () => {
      made.time.ms += 0.4;
    };
    made.network.runs.length = 0;
    await steps(made, [moved, plain], 3);
    expect(made.network.runs).toHaveLength(3);
    made.network.during = () => {};
    made.network.runs.length = 0;
    await steps(made, [plain], 1);
    await steps(alone, [same], 1);
    // It is still tried, as it would be had nobody insisted.
    expect(made.network.runs.length > 0).toBe(alone.network.runs.length > 0);
    expect(made.network.runs.length).toBeGreaterThan(0);
  });

  test('costs turns that are not drafted for one run a step as well', async () => {
    const made = world(right);
    const moved = made.begin('a', 8, MOVED);
    made.network.during = () => {
      made.time.ms += 1;
    };
    for (const [others, most] of [
      [0, 6],
      [1, 1],
    ] as const) {
      made.network.runs.length = 0;
      await made.drafters.prepare([moved.seat], 1 + others);
      expect(made.network.runs.length).toBeGreaterThan(0);
      expect(made.network.runs.length).toBeLessThanOrEqual(most);
      expect(made.network.runs.length > 1).toBe(others === 0);
      moved.commit(1);
    }
  });

  test('takes a bounded share of the time of turns beside it, and all that it wants where it is alone', async () => {
    const made = dear();
    const moved = made.begin('a', 8, MOVED);
    const ask = async (sessions: number, stepMs: number) => {
      made.network.runs.length = 0;
      await made.drafters.prepare([moved.seat], sessions);
      settle(made.drafters, [{ seat: moved.seat, tokens: 1, extra: 0, extraMs: 0 }], stepMs);
      moved.commit(1);
      return made.network.runs.length;
    };
    let runs = 0;
    for (let step = 0; step < 100; step++) runs += await ask(2, 100);
    // A run takes ten steps' time.
    expect(runs).toBeGreaterThanOrEqual(4);
    expect(runs).toBeLessThanOrEqual(7);
    expect(await ask(1, 100)).toBeGreaterThan(0);
  });

  test('leaves others what steps take to learn, so that they may try the network afterwards', async () => {
    const made = world(right);
    const [moved, plain] = [made.begin('a', 8, MOVED), made.begin('b')];
    await steps(made, [moved, plain], 3);
    moved.seat.end();
    made.network.runs.length = 0;
    made.network.costs = () => 0.1;
    await made.drafters.prepare([plain.seat, made.begin('c').seat], 2);
    expect(made.network.runs.length).toBeGreaterThan(0);
  });

  test('is asked alone where a turn beside it could not afford the run', async () => {
    const made = dear();
    const plain = [made.begin('b'), made.begin('c')];
    await steps(made, plain, 1);
    const moved = made.begin('a', 8, MOVED);
    await made.drafters.prepare([moved.seat, plain[0]!.seat], 2);
    expect(made.network.places).toBe(2);
    expect(made.network.runs.map((run) => run.map(({ place }) => place))).toEqual([
      [moved.seat.networked!.held],
    ]);
  });

  test('waits for its first step until the network has read its text, and only then', async () => {
    const made = dear();
    const moved = made.begin('a', 150, MOVED);
    const waited: boolean[] = [];
    for (let i = 0; i < 4; i++) {
      await made.drafters.prepare([moved.seat], 1);
      waited.push(moved.seat.networked!.waits);
    }
    // 150 tokens, 64 a run.
    expect(waited).toEqual([true, true, false, false]);
  });

  test('does not wait for a network that fails', async () => {
    const made = dear();
    const moved = made.begin('a', 600, MOVED);
    await made.drafters.prepare([moved.seat], 1);
    expect(moved.seat.networked!.waits).toBe(true);
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
    made.network.during = () => {
      throw new Error('no memory');
    };
    for (let i = 0; i < 4; i++) {
      await made.drafters.prepare([moved.seat], 1);
      expect(moved.seat.networked!.waits).toBe(false);
    }
    complaints.mockRestore();
    expect(made.network.places).toBe(0);
  });
});
