/**
 * A verifier can fail at any moment of a turn and in any way that is told or not
 * told: the reader gets the same text, or a failure where nobody is left. On a
 * virtual clock, so every moment is tried and every run is the same.
 */
import { describe, expect, test } from 'vitest';
import { WORKER_DEADLINE_MS } from '../../gpu-backend/link/link-server.ts';
import type { Connection, Tap } from '../../sim/network.ts';
import { seeded } from '../../sim/random.ts';
import {
  CONNECT_DEADLINE_MS,
  FIRST_ATTEMPTS,
  RESUME_ATTEMPTS,
  SLOT_PATIENCE_MS,
} from '../../src/link/failover.ts';
import { LinkFailure } from '../../src/link/failure.ts';
import { COOL_OFF_MS, Fleet, MAX_COOL_OFF_MS } from '../../src/link/fleet.ts';
import { DRAFTING_MODES } from '../../src/link/protocol/index.ts';
import {
  BACKOFF_BASE_MS,
  BACKOFF_CAP_MS,
  backoff,
  RETRIES_PER_SECOND,
  RETRIES_PER_TURN,
  RETRY_BURST,
  RetryBudget,
} from '../../src/link/retry.ts';
import { question, VOCAB, World } from './simulated.ts';

const TOKENS = 48;

describe('undisturbed', () => {
  test.each(DRAFTING_MODES)('mode %s gives the recorded text and its slot back', async (mode) => {
    const world = new World();
    const asked = question(world.random, TOKENS);
    const { text, reason } = await world.run(world.ask(asked, { mode }));
    expect(text).toEqual([...asked.answer]);
    expect(reason).toBe('length');
    await world.pass(200);
    expect(world.held).toBe(0);
    expect(world.dials).toBe(1);
  });
});

/** A tap that does `change` to message `at` of the direction. */
function onMessage(at: number, change: (message: Uint8Array) => Uint8Array[]): Tap {
  let count = 0;
  return (message) => (count++ === at ? change(message) : [message]);
}

/** A tap that lets message `at` be overtaken by the one behind it. */
function swapped(at: number): Tap {
  let count = 0;
  let held: Uint8Array | null = null;
  return (message) => {
    if (count++ === at) {
      held = message;
      return [];
    }
    const both = held ? [message, held] : [message];
    held = null;
    return both;
  };
}

function flip(message: Uint8Array, random: () => number): Uint8Array {
  const damaged = message.slice();
  const bit = Math.floor(random() * message.length * 8);
  damaged[bit >> 3]! ^= 1 << (bit & 7);
  return damaged;
}

type Fault = (world: World, connection: Connection, verifier: number, at: number) => void;

/** Faults of messages and of connections; `at` runs over all messages and moments of a turn. */
const FAULTS: Record<string, Fault> = {
  'frame to the verifier damaged': (world, { near }, _, at) => {
    near.tap = onMessage(at, (message) => [flip(message, world.random)]);
  },
  'frame to the worker damaged': (world, { far }, _, at) => {
    far.tap = onMessage(at, (message) => [flip(message, world.random)]);
  },
  'frame to the verifier cut': (world, { near }, _, at) => {
    near.tap = onMessage(at, (m) => [m.subarray(0, Math.floor(world.random() * m.length))]);
  },
  'frame to the worker cut': (world, { far }, _, at) => {
    far.tap = onMessage(at, (m) => [m.subarray(0, Math.floor(world.random() * m.length))]);
  },
  'frame to the verifier doubled': (_, { near }, __, at) => {
    near.tap = onMessage(at, (message) => [message, message]);
  },
  'frame to the worker doubled': (_, { far }, __, at) => {
    far.tap = onMessage(at, (message) => [message, message]);
  },
  'frame to the verifier lost': (_, { near }, __, at) => {
    near.tap = onMessage(at, () => []);
  },
  'frame to the worker lost': (_, { far }, __, at) => {
    far.tap = onMessage(at, () => []);
  },
  'frames to the verifier swapped': (_, { near }, __, at) => {
    near.tap = swapped(at);
  },
  'frames to the worker swapped': (_, { far }, __, at) => {
    far.tap = swapped(at);
  },
  'connection broken': (world, connection, _, at) => {
    world.clock.after(at * 20, () => connection.cut());
  },
  'connection dead': (world, connection, _, at) => {
    world.clock.after(at * 20, () => connection.goDead());
  },
  'verifier killed': (world, _, verifier, at) => {
    world.clock.after(at * 20, () => world.crash(verifier));
  },
  'verifier stopped': (world, _, verifier, at) => {
    const stopped = world.verifiers[verifier]!;
    world.clock.after(at * 20, () => {
      stopped.draining = true;
      void stopped.scheduler.close();
    });
  },
  'engine failing': (world, _, verifier, at) => {
    const { engine } = world.verifiers[verifier]!;
    const step = engine.step.bind(engine);
    let steps = 0;
    engine.step = (rows) => {
      if (steps++ >= at) throw new Error('CUDA out of memory');
      return step(rows);
    };
  },
};

describe.each(Object.keys(FAULTS))('%s', (name) => {
  // In lockstep both sides wait for what was lost; see below.
  const holdsBack = name.endsWith('verifier lost') || name.endsWith('verifier swapped');
  const modes = (['lockstep', 'echoed'] as const).slice(holdsBack ? 1 : 0);

  test.each(modes)(
    'at any moment: the other verifier goes on with the same text (%s)',
    async (mode) => {
      let moved = 0;
      for (let at = 0; at < 30; at++) {
        const world = new World({ seed: at + 1 });
        const asked = question(world.random, TOKENS);
        let first = true;
        world.onConnect = (connection, verifier) => {
          if (first) FAULTS[name]!(world, connection, verifier, at);
          first = false;
        };
        const { text, failure } = await world.run(world.ask(asked, { mode }));
        expect(failure).toBeNull();
        expect(text).toEqual([...asked.answer]);
        if (world.dials > 1) moved++;
        // A session behind a dead connection lives until the pings find out.
        await world.pass(10_000);
        expect(world.held).toBe(0);
      }
      expect(moved).toBeGreaterThan(2);
    },
  );
});

describe('alone', () => {
  test('a verifier that comes back in seconds carries on', async () => {
    const world = new World({ verifiers: 1 });
    const asked = question(world.random, TOKENS);
    world.clock.after(300, () => world.crash(0));
    world.clock.after(1_500, () => world.down.delete(0));
    const { text, failure } = await world.run(world.ask(asked));
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
  });

  test('one that stays away ends the turn with what was accepted and a failure', async () => {
    const world = new World({ verifiers: 1 });
    const asked = question(world.random, TOKENS);
    world.clock.after(300, () => world.crash(0));
    const { text, failure } = await world.run(world.ask(asked));
    expect(failure?.code).toBe('unreachable');
    expect(text.length).toBeGreaterThan(0);
    expect(text).toEqual([...asked.answer.subarray(0, text.length)]);
    expect(world.dials).toBeLessThanOrEqual(RESUME_ATTEMPTS);
  });

  test('one that was never there fails the turn soon: the client can try again', async () => {
    const world = new World({ verifiers: 1 });
    world.down.add(0);
    const { failure } = await world.run(world.ask(question(world.random, TOKENS)));
    expect(failure?.code).toBe('unreachable');
    expect(world.dials).toBe(FIRST_ATTEMPTS);
    expect(world.clock.now()).toBeLessThan(1_000);
  });

  test('one that does not answer the connection is given up by the deadline', async () => {
    const world = new World({ verifiers: 1, conditions: { rttMs: 60_000 } });
    const { failure } = await world.run(world.ask(question(world.random, TOKENS)));
    expect(failure?.message).toContain(`${CONNECT_DEADLINE_MS} ms`);
    // The connection that came about too late was hung up on.
    await world.pass(300_000);
    expect(world.held).toBe(0);
  });
});

describe('full verifiers', () => {
  test('are passed over for one with room', async () => {
    const world = new World({ slots: 1 });
    const asked = question(world.random, TOKENS);
    const { engine } = world.verifiers[0]!;
    engine.script('', asked.prompt, asked.answer);
    engine.acquire(asked.prompt, 1, '');
    for (let i = 0; i < 5; i++) {
      const { text, failure } = await world.run(world.ask(asked));
      expect(failure).toBeNull();
      expect(text).toEqual([...asked.answer]);
    }
    expect(world.connections.at(-1)!.verifier).toBe(1);
  });

  test('all of them: the turn is refused at once, with when to come back', async () => {
    const world = new World({ slots: 0 });
    const { failure } = await world.run(world.ask(question(world.random, TOKENS)));
    expect(failure).toMatchObject({ code: 'overloaded', retryAfterMs: 1_000 });
    expect(world.dials).toBe(2);
  });

  test('in mid-answer are waited for', async () => {
    const world = new World({ seed: 2 });
    const asked = question(world.random, TOKENS);
    world.clock.after(500, () => {
      const used = world.connections[0]!.verifier;
      const other = world.verifiers[1 - used]!;
      const slots = [0, 1].map(() => other.engine.acquire(asked.prompt, 1, '')!);
      world.crash(used);
      world.clock.after(2_500, () => {
        for (const slot of slots) other.engine.release(slot);
      });
    });
    const { text, failure } = await world.run(world.ask(asked));
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
  });

  /** The connection breaks in mid-answer, and others have the slot for `ms` from then on. */
  async function losesSlotFor(ms: number) {
    const world = new World({ seed: 3, verifiers: 1, slots: 1 });
    const asked = question(world.random, TOKENS);
    const { engine } = world.verifiers[0]!;
    const take = () => {
      const slot = engine.acquire(asked.prompt, 1, '');
      if (slot) world.clock.after(ms, () => engine.release(slot));
      else world.clock.after(1, take);
    };
    world.clock.after(500, () => {
      world.connections[0]!.connection.cut();
      take();
    });
    return { asked, world, ...(await world.run(world.ask(asked))) };
  }

  test('in mid-answer are waited for longer than a restart takes', async () => {
    const { asked, world, text, failure } = await losesSlotFor(SLOT_PATIENCE_MS - 5_000);
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
    expect(world.dials).toBeGreaterThan(RESUME_ATTEMPTS);
  });

  test('in mid-answer are not waited for without end', async () => {
    const { world, failure } = await losesSlotFor(10 * SLOT_PATIENCE_MS);
    expect(failure).toMatchObject({ code: 'overloaded' });
    expect(world.clock.now()).toBeLessThan(2 * SLOT_PATIENCE_MS);
  });
});

test('what no verifier can mend is not tried elsewhere', async () => {
  const world = new World();
  const asked = question(world.random, TOKENS);
  const outside = { prompt: asked.prompt.with(0, VOCAB), answer: asked.answer };
  const { failure } = await world.run(world.ask(outside));
  expect(failure).toMatchObject({ code: 'bad-frame', message: expect.stringContaining('vocab') });
  expect(world.dials).toBe(1);
});

test('lockstep whose tree was lost ends with an error, and its slot is free', async () => {
  const world = new World();
  world.onConnect = ({ near }) => {
    near.tap = onMessage(3, () => []);
  };
  const { failure, text } = await world.run(
    world.ask(question(world.random, TOKENS), { mode: 'lockstep' }),
  );
  expect(failure?.code).toBe('stalled');
  expect(text.length).toBeGreaterThan(0);
  expect(world.clock.now()).toBeGreaterThanOrEqual(WORKER_DEADLINE_MS);
  await world.pass(100);
  expect(world.held).toBe(0);
});

test('a turn closed by its reader ends everywhere, at whatever moment', async () => {
  for (let at = 0; at < 30; at++) {
    const world = new World({ seed: at });
    const link = world.link();
    world.clock.after(at * 15, () => link.close());
    const { failure, text } = await world.run(world.ask(question(world.random, TOKENS), { link }));
    // No end that could pass for the answer's own.
    expect(failure).toMatchObject({ code: 'cancelled' });
    expect(text.length).toBeLessThan(TOKENS);
    await world.pass(1_000);
    expect(world.held).toBe(0);
    expect(world.dials).toBe(1);
  }
});

describe('retries', () => {
  test('are paid from a budget: under load at most one turn in five is tried again', () => {
    const budget = new RetryBudget(0);
    for (let i = 0; i < RETRY_BURST; i++) expect(budget.spend(0)).toBe(true);
    expect(budget.spend(0)).toBe(false);
    let spent = 0;
    for (let turn = 0; turn < 1000; turn++) {
      budget.earn();
      if (budget.spend(0)) spent++;
    }
    expect(spent / 1000).toBeCloseTo(RETRIES_PER_TURN, 2);
  });

  test('are earned by time as well, up to a burst', () => {
    const budget = new RetryBudget(0);
    while (budget.spend(0));
    let spent = 0;
    while (budget.spend(3_000)) spent++;
    expect(spent).toBe(3 * RETRIES_PER_SECOND);
    while (budget.spend(1e9)) spent++;
    expect(spent).toBe(3 * RETRIES_PER_SECOND + RETRY_BURST);
  });

  test('back off with full jitter up to a cap', () => {
    expect(backoff(0, () => 1)).toBe(BACKOFF_BASE_MS);
    expect(backoff(3, () => 1)).toBe(8 * BACKOFF_BASE_MS);
    expect(backoff(40, () => 1)).toBe(BACKOFF_CAP_MS);
    expect(backoff(3, () => 0)).toBe(0);
  });

  test('stop when the budget is spent', async () => {
    const world = new World({ verifiers: 1 });
    world.down.add(0);
    for (let i = 0; i < 20; i++) {
      await world.run(world.ask(question(world.random, TOKENS)));
    }
    const seconds = world.clock.now() / 1000;
    const tries = 20 * (1 + RETRIES_PER_TURN) + RETRY_BURST + seconds * RETRIES_PER_SECOND;
    expect(world.dials).toBeLessThanOrEqual(tries);
    expect(world.dials).toBeGreaterThan(20);
  });

  test('of half an answer are owed nothing, though the budget is spent', async () => {
    const world = new World({ verifiers: 1 });
    const asked = question(world.random, TOKENS);
    world.clock.after(500, () => {
      while (world.fleet.retries.spend(world.clock.now()));
      world.connections[0]!.connection.cut();
    });
    const { text, failure } = await world.run(world.ask(asked));
    expect(failure).toBeNull();
    expect(text).toEqual([...asked.answer]);
  });
});

describe('the fleet', () => {
  const URLS = ['a', 'b', 'c'];
  const failure = new LinkFailure('lost', 'gone');
  function fleet(urls = URLS) {
    let now = 0;
    const clock = { now: () => now, after: () => () => {}, breath: async () => {} };
    return {
      known: new Fleet(urls, clock, seeded(1)),
      at: (ms: number) => {
        now = ms;
      },
    };
  }
  const picks = (known: Fleet, tried: string[] = []) =>
    Array.from({ length: 300 }, () => known.pick(new Set(tried)));

  test('is used evenly while nothing is known', () => {
    const { known } = fleet();
    for (const url of URLS) {
      const share = picks(known).filter((picked) => picked === url).length / 300;
      expect(share).toBeGreaterThan(0.2);
    }
  });

  test('avoids what failed, twice as long each time, and comes back to it', () => {
    const { known, at } = fleet();
    known.failed('a', failure);
    expect(picks(known)).not.toContain('a');
    at(COOL_OFF_MS);
    expect(picks(known)).toContain('a');
    known.failed('a', failure);
    at(2 * COOL_OFF_MS);
    expect(picks(known)).not.toContain('a');
    for (let i = 0; i < 20; i++) known.failed('a', failure);
    at(2 * COOL_OFF_MS + MAX_COOL_OFF_MS);
    expect(picks(known)).toContain('a');
    known.failed('a', failure);
    known.served('a', { active: 0, slots: 8 });
    expect(picks(known)).toContain('a');
  });

  test('prefers the less loaded of two, while that is fresh knowledge', () => {
    const { known, at } = fleet(['a', 'b']);
    known.served('a', { active: 7, slots: 8 });
    known.served('b', { active: 2, slots: 8 });
    expect(picks(known)).not.toContain('a');
    at(60_000);
    expect(picks(known)).toContain('a');
  });

  test('tries those not tried yet, and the least bad when all are', () => {
    const { known, at } = fleet();
    expect(picks(known, ['a', 'b'])).not.toContain('a');
    for (const url of URLS) known.failed(url, failure);
    at(10);
    known.failed('b', failure);
    known.failed('c', failure);
    expect(new Set(picks(known, URLS))).toEqual(new Set(['a']));
  });

  test('of nobody is refused by name', () => {
    expect(() => fleet([])).toThrow(/VERIFIER_URL/);
  });
});
