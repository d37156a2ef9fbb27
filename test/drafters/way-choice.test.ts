/** Which of several networks a turn is given. */
import { describe, expect, test, vi } from 'vitest';
import { WayChoice } from '../../gpu-backend/drafters/way-choice.ts';
import { allSpent, right, STEP_MS, step, truth, worldOf, wrong } from './networked-world.ts';
import type { Script } from './scripted-network.ts';

/** Right about every other token. */
const half: Script = (_, position) => [[truth(position) + (position % 2 ? 1 : 0), 0.9]];
const any = () => true;
const STEPS_OF_A_TURN = 20;

/** Answers of one namespace by networks whose passes take so many milliseconds. */
function ask(networks: readonly (readonly [Script, number])[], promptTokens = 8) {
  const made = worldOf(networks.map(([script]) => script));
  for (const [i, [, ms]] of networks.entries()) {
    made.networks[i]!.costs = () => ms;
    made.networks[i]!.during = () => {
      made.time.ms += ms;
    };
  }
  let tokens = 0;
  const turns = async (count: number, steps = STEPS_OF_A_TURN) => {
    const earlier = made.drafters.spent.map((one) => one.steps);
    tokens = 0;
    made.time.ms = 0;
    for (let i = 0; i < count; i++) {
      const turn = made.begin('a', promptTokens);
      const before = allSpent(made.drafters, 'tokens');
      for (let k = 0; k < steps; k++) await step(made, [turn]);
      tokens += steps + allSpent(made.drafters, 'tokens') - before;
      turn.seat.end();
    }
    /** Steps of each network. */
    const given = made.drafters.spent.map((one, i) => one.steps - earlier[i]!);
    return { given, speed: (tokens * STEP_MS) / made.time.ms };
  };
  return { ...made, turns };
}

describe('of several networks', () => {
  test('each is tried, and the one by which answers are quickest drafts nearly all', async () => {
    const { turns } = ask([
      [wrong, 1],
      [right, 2],
      [right, 8],
    ]);
    const { given } = await turns(60);
    for (const count of given) expect(count).toBeGreaterThan(0);
    expect(given[1]).toBeGreaterThan(50 * STEPS_OF_A_TURN);
  });

  test('one that is bad is left before the answer is over', async () => {
    const { turns } = ask([
      [wrong, 8],
      [wrong, 8],
      [right, 2],
    ]);
    const { given } = await turns(3);
    expect(given[0]! + given[1]!).toBeLessThan(STEPS_OF_A_TURN);
  });

  test('one that reads a long text first is tried when it has read it', async () => {
    const { networks, turns } = ask(
      [
        [half, 2],
        [right, 2],
      ],
      320,
    );
    networks[0]!.usefulContext = 1;
    // Twenty steps, longer than a trial.
    Object.assign(networks[1]!, { mostTokens: 16 });
    const [count, steps] = [20, 64];
    const { given } = await turns(count, steps);
    expect(given[1]).toBeGreaterThan(0.9 * count * steps);
  });

  test('one that is bad is left as soon by many at once', async () => {
    const { drafters, begin, time } = worldOf([wrong, wrong, right]);
    const turns = Array.from({ length: 8 }, () => begin('a', 8));
    for (let i = 0; i < 60; i++) await step({ drafters, time }, turns);
    const [first, second] = drafters.spent;
    expect(first!.steps + second!.steps).toBeLessThan(3 * 8 * turns.length);
  });

  test('answers are as quick as by the best of them alone, the trials and little more left out', async () => {
    const best = await ask([[right, 2]]).turns(100);
    const all = await ask([
      [half, 2],
      [right, 2],
      [right, 9],
    ]).turns(100);
    expect(all.speed / best.speed).toBeGreaterThan(0.97);
  });

  test('a long answer is not left to a network that turned out worse', async () => {
    const best = await ask([[right, 2]]).turns(2, 400);
    const all = await ask([
      [wrong, 2],
      [half, 2],
      [right, 2],
    ]).turns(2, 400);
    expect(all.speed / best.speed).toBeGreaterThan(0.95);
  });

  test('a turn that changes its network drafts on, in several at once too', async () => {
    const made = worldOf([wrong, right]);
    const turns = [made.begin('a'), made.begin('a')];
    for (let i = 0; i < 200; i++) await step(made, turns);
    expect(turns.map(({ seat }) => seat.networked!.way)).toEqual([1, 1]);
    expect(made.networks[0]!.places).toBe(0);
    await made.drafters.prepare(
      turns.map(({ seat }) => seat),
      turns.length,
    );
    for (const turn of turns) expect(turn.depth(turn.drawn())).toBeGreaterThan(0);
  });

  test('none that pays leaves answers as quick as they are without', async () => {
    const { turns } = ask([
      [wrong, 4],
      [wrong, 6],
      [wrong, 10],
    ]);
    await turns(30);
    expect((await turns(50)).speed).toBeGreaterThan(0.99);
  });

  test('another one is taken where the best becomes bad', async () => {
    const asked = ask([
      [half, 2],
      [right, 2],
    ]);
    const before = await asked.turns(30);
    expect(before.given[1]).toBeGreaterThan(20 * STEPS_OF_A_TURN);
    asked.networks[1]!.script = wrong;
    await asked.turns(100);
    const { given } = await asked.turns(30);
    expect(given[0]).toBeGreaterThan(20 * STEPS_OF_A_TURN);
  });

  test('the next tenants begin with what the first ones found', async () => {
    const made = worldOf([wrong, half, right]);
    const given = [0, 0, 0];
    for (let i = 0; i < 60; i++) {
      const turn = made.begin(`tenant ${i}`);
      for (let k = 0; k < STEPS_OF_A_TURN; k++) await step(made, [turn]);
      if (i >= 20) given[turn.seat.networked!.way]!++;
      turn.seat.end();
    }
    expect(given[2]).toBeGreaterThan(34);
  });

  test('the best is found by a crowd of turns too', async () => {
    const made = worldOf([half, right]);
    const turns = Array.from({ length: 8 }, () => made.begin('a'));
    for (let i = 0; i < 200; i++) await step(made, turns);
    expect(turns.every(({ seat }) => seat.networked!.way === 1)).toBe(true);
  });

  test('one that failed three times in a row is given no more turns', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const asked = ask([
      [half, 2],
      [right, 2],
    ]);
    asked.networks[1]!.during = () => {
      throw new Error('no memory');
    };
    await asked.turns(10);
    const before = asked.drafters.spent.map(({ steps }) => steps);
    const { given } = await asked.turns(20);
    expect(given).toEqual([20 * STEPS_OF_A_TURN, 0]);
    // What it is chosen for, asked or not, is counted by network.
    const [first, second] = asked.drafters.spent;
    expect([first!.steps, second!.steps]).toEqual([before[0]! + 20 * STEPS_OF_A_TURN, before[1]]);
    expect(first!.passes).toBeGreaterThan(before[0]!);
    complaint.mockRestore();
  });

  test('turns that insist, and measurements whatever it costs, ask the last', () => {
    const moving = { transfer: 20, warp: { temperature: 0.8, topK: 0, topP: 1 } };
    const { begin } = worldOf([right, half, wrong]);
    expect(begin('a', 8, moving).seat.networked!.way).toBe(2);
    const always = worldOf([right, half, wrong], { always: { passes: 1, nodes: 1 } });
    expect(always.begin().seat.networked!.way).toBe(2);
  });

  test.each([
    [1, 1],
    [8, 0],
  ])(
    'of %i that step the time of one is the time of all: then it is network %i',
    async (sessions, best) => {
      const { networks, drafters, begin } = worldOf([half, right]);
      for (const network of networks) network.costs = () => 0.1;
      // The second brings a token more and takes four milliseconds more of the step.
      const brought = [
        { tokens: 2, extra: 1, extraMs: 1 },
        { tokens: 3, extra: 2, extraMs: 5 },
      ];
      for (let i = 0; i < 200; i++) {
        const turn = begin('a');
        const { way } = turn.seat.networked!;
        await drafters.prepare([turn.seat], sessions);
        turn.commit(brought[way]!.tokens);
        const tokens = brought[way]!.tokens + sessions - 1;
        const ms = STEP_MS + brought[way]!.extraMs;
        drafters.settle([{ seat: turn.seat, ...brought[way]! }], { ms, sessions, tokens });
        turn.seat.end();
      }
      const turns = Array.from({ length: 10 }, () => begin('a').seat.networked!.way);
      expect(turns).toEqual(turns.map(() => best));
    },
  );

  test('each of those that step together is asked for its own turns', async () => {
    const made = worldOf([right, right]);
    const turns = [made.begin('a'), made.begin('b')];
    for (let i = 0; i < 4; i++) await step(made, turns);
    turns.push(made.begin('a'), made.begin('b'));
    for (let i = 0; i < 4; i++) await step(made, turns);
    expect(turns.map(({ seat }) => seat.networked!.way)).toEqual([0, 0, 1, 1]);
    for (const { runs } of made.networks) expect(runs.at(-1)).toHaveLength(2);
  });
});

describe('the choice', () => {
  test('forgets: what was bad some thousand steps ago is tried again', () => {
    const choice = new WayChoice(2);
    for (let i = 0; i < 20; i++) choice.learn(0, { tokens: 1, plainTokens: 1, time: 1.2 });
    for (let i = 0; i < 20; i++) choice.learn(1, { tokens: 1.5, plainTokens: 1, time: 1.2 });
    expect(choice.best(any)).toBe(1);
    let steps = 0;
    while (choice.best(any) === 1 && steps < 30_000) {
      choice.learn(1, { tokens: 1.5, plainTokens: 1, time: 1.2 });
      steps++;
    }
    expect(steps).toBeGreaterThan(200);
    expect(steps).toBeLessThan(20_000);
  });
});
