/** Whoever is slow costs no memory, and nobody else's time. On a virtual clock. */
import { describe, expect, test } from 'vitest';
import { HEARTBEAT_MS, WORKER_DEADLINE_MS } from '../../gpu-backend/link/link-server.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { TokenTree } from '../../src/draft/tree/tree.ts';
import { Link, type LinkEvent, SILENCE_DEADLINE_MS } from '../../src/link/client.ts';
import {
  type Clock,
  encodeTree,
  FrameError,
  MAX_ACCEPT_TOKENS,
  MAX_UNREAD_TOKENS,
  Opener,
  pause,
  type Transport,
} from '../../src/link/protocol/index.ts';
import { question, settings, World } from './simulated.ts';

describe('a reader that pauses', () => {
  test('pauses the session; then the answer goes on to its end', async () => {
    const world = new World();
    const asked = question(world.random, 6_000);
    let paused = false;
    let stepsWhilePaused = -1;
    let steps = 0;
    for (const verifier of world.verifiers) {
      const step = verifier.engine.step.bind(verifier.engine);
      verifier.engine.step = (rows) => {
        steps++;
        return step(rows);
      };
    }
    const { text, failure } = await world.run(
      world.ask(asked, {
        async read(event) {
          if (event.type !== 'accept' || paused) return;
          paused = true;
          // Time for the verifier to fill what may be unread, then time for more.
          await pause(world.clock, 25_000);
          const before = steps;
          await pause(world.clock, 25_000);
          stepsWhilePaused = steps - before;
        },
      }),
    );
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
    expect(stepsWhilePaused).toBe(0);
  });

  test('for too long loses the session, with a reason', async () => {
    const world = new World();
    const { text, failure } = await world.run(
      world.ask(question(world.random, 6_000), {
        async read(event) {
          if (event.type === 'accept') await pause(world.clock, 3 * WORKER_DEADLINE_MS);
        },
      }),
    );
    expect(failure?.code).toBe('stalled');
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThanOrEqual(MAX_UNREAD_TOKENS + MAX_ACCEPT_TOKENS);
    expect(world.held).toBe(0);
    expect(world.dials).toBe(1);
  });

  test('does not hold up another turn on the same verifier', async () => {
    const world = new World({ verifiers: 1 });
    const slow = question(world.random, 4_000);
    const { engine } = world.verifiers[0]!;
    const works: Promise<unknown>[] = [];
    works.push(
      world.ask(slow, {
        read: (event) => (event.type === 'accept' ? pause(world.clock, 500) : undefined),
      }),
    );
    await world.pass(1_000);
    const held = world.held;
    let stepped = 0;
    const step = engine.step.bind(engine);
    engine.step = (rows) => {
      stepped++;
      return step(rows);
    };
    const quick = { prompt: slow.prompt, answer: slow.answer.subarray(0, 64) };
    const { text } = await world.run(world.ask(quick));
    expect(held).toBe(1);
    expect(text).toEqual([...quick.answer]);
    expect(stepped).toBeLessThan(80);
    await world.run(Promise.all(works));
  });
});

test('a slow line gets several steps in one accept frame, and the same text', async () => {
  const world = new World({ conditions: { bytesPerMs: 0.9 } });
  const asked = question(world.random, 1_500);
  let frames = 0;
  let steps = 0;
  let largest = 0;
  const { text, failure } = await world.run(
    world.ask(asked, {
      mode: 'off',
      read(event) {
        if (event.type !== 'accept') return;
        frames++;
        steps += event.steps;
        largest = Math.max(largest, event.tokens.length);
      },
    }),
  );
  expect(failure).toBeNull();
  expect(text).toEqual([...asked.answer]);
  expect(steps).toBe(1_500);
  expect(frames).toBeLessThan(steps);
  expect(largest).toBeLessThanOrEqual(MAX_ACCEPT_TOKENS);
});

describe('heartbeats', () => {
  test('keep a link whose engine is slow', async () => {
    const world = new World({ verifiers: 1 });
    const asked = question(world.random, 20);
    const { engine } = world.verifiers[0]!;
    const step = engine.step.bind(engine);
    engine.step = async (rows) => {
      await pause(world.clock, 5 * SILENCE_DEADLINE_MS);
      return step(rows);
    };
    const { text, failure } = await world.run(world.ask(asked));
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
    expect(world.dials).toBe(1);
  });

  test('say how far a long prompt has been read, to who reads slowly only the latest', async () => {
    const world = new World({ verifiers: 1 });
    const { prompt, answer } = question(world.random, 20);
    const long = Int32Array.from({ length: 3_000 }, (_, i) => prompt[i % prompt.length]!);
    const { engine } = world.verifiers[0]!;
    const step = engine.step.bind(engine);
    engine.step = async (rows) => {
      await pause(world.clock, 3 * HEARTBEAT_MS);
      return step(rows);
    };
    const seen: number[] = [];
    let slow = false;
    const { text, failure } = await world.run(
      world.ask(
        { prompt: long, answer },
        {
          async read(event) {
            if (event.type === 'progress') seen.push(event.cached);
            if (!slow && seen.length === 2) {
              slow = true;
              await pause(world.clock, 10 * HEARTBEAT_MS);
            }
          },
        },
      ),
    );
    expect(failure).toBeNull();
    expect(text).toEqual([...answer]);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen[3]! - seen[2]!).toBeGreaterThan(seen[1]! - seen[0]!);
    const reading = seen.filter((cached) => cached < long.length - 1);
    expect(new Set(reading).size).toBeGreaterThan(2);
    expect(reading.at(-1)).toBeGreaterThan(long.length / 2);
  });

  test('stop when the engine hangs: the turn goes on elsewhere', async () => {
    const world = new World();
    const asked = question(world.random, 40);
    let hung: number | null = null;
    for (const [i, { engine }] of world.verifiers.entries()) {
      const step = engine.step.bind(engine);
      let steps = 0;
      engine.step = (rows) => {
        if (steps++ < 3 || (hung !== null && hung !== i)) return step(rows);
        hung = i;
        return new Promise(() => {});
      };
    }
    const { text, failure } = await world.run(world.ask(asked));
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
    expect(hung).not.toBeNull();
    expect(world.verifiers[hung!]!.scheduler.alive).toBe(false);
  });
});

test('a worker that could not run for seconds listens before it takes a verifier for silent', async () => {
  const clock = new VirtualClock();
  let lost = 0;
  const stalling: Clock = {
    now: () => clock.now() + lost,
    after: (ms, task) => clock.after(ms, task),
    breath: () => clock.breath(),
  };
  let closed = false;
  const mute: Transport = {
    send() {},
    unsent: 0,
    close() {
      closed = true;
    },
    attach() {},
  };
  const link = new Link(mute, stalling, {
    prompt: Int32Array.of(1, 2, 3),
    settings: settings(30, 'off'),
  });
  const first = link.events().next();
  first.catch(() => {});
  await clock.run(pause(clock, 500));
  lost = 3 * SILENCE_DEADLINE_MS;
  // The late timer alone proves nothing: what was said meanwhile is still waiting to be heard.
  await clock.run(pause(clock, SILENCE_DEADLINE_MS / 2));
  expect(closed).toBe(false);
  // Nothing was said: then it is silent after all.
  await expect(clock.run(first)).rejects.toMatchObject({ code: 'silent' });
  expect(clock.now()).toBeLessThanOrEqual(SILENCE_DEADLINE_MS);
});

test('events already received are read before the failure that follows them', async () => {
  const world = new World({ verifiers: 1 });
  const asked = question(world.random, 30);
  world.verifiers[0]!.engine.script('', asked.prompt, asked.answer);
  const transport = await world.run(world.dial(0));
  const link = new Link(transport, world.clock, {
    prompt: asked.prompt,
    settings: settings(30, 'off'),
  });
  await world.pass(400);
  world.crash(0);
  await world.pass(100);
  const seen: LinkEvent['type'][] = [];
  const reading = (async () => {
    for await (const { type } of link.events()) seen.push(type);
  })();
  await expect(world.run(reading)).rejects.toMatchObject({ code: 'lost' });
  expect(seen[0]).toBe('ready');
  expect(seen.filter((type) => type === 'accept').length).toBeGreaterThan(5);
});

test('frames are numbered from the first: nothing can be slipped in ahead', () => {
  expect(() => new Opener().open(encodeTree(new TokenTree(1), 0))).toThrow(FrameError);
});
