/**
 * Real processes, real sockets: a verifier dies, is stopped, or its connection
 * breaks, freezes or mangles what it carries, and the client reads the text it
 * would have read anyway.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Side } from '../../bench/rtt/proxy.ts';
import { FrameType } from '../../src/link/protocol/index.ts';
import { countLinks, onChunk, undisturb, untilFree } from './disturbances.ts';
import { type RealFleet, startFleet, stream, type Verifier } from './fleet.ts';

/**
 * Drafted from the session alone: with earlier answers the same question takes
 * fewer steps each time it is asked, and a fault in the twelfth never comes.
 */
const FORGETFUL = { memory: false, draft_model: 'off' };
/** Sampled, so that only the same noise gives the same text; long enough to have a middle. */
const QUESTION = {
  messages: [{ role: 'user', content: 'What happens to a request, step by step?' }],
  vector_store_ids: [],
  temperature: 1.2,
  seed: 11,
  max_tokens: 300,
  speculation: FORGETFUL,
};
/** The same where a tree must come with every step: otherwise the worker sends one only when it has a guess. */
const IN_LOCKSTEP = { ...QUESTION, speculation: { ...FORGETFUL, ablation: { trees: 'lockstep' } } };
/** The same in as many frames as it has tokens, however busy the reader is: drafted, several steps may come in one. */
const TOKEN_BY_TOKEN = { ...QUESTION, speculation: { mode: 'off' } };
/** Pings, the deadline they have, and some time to act on it. */
const HALF_OPEN_MS = 12_000;

let fleet: RealFleet;
let expected: string;
beforeAll(async () => {
  fleet = await startFleet();
  const { text, complete } = await stream(fleet.url, QUESTION);
  if (!complete) throw new Error('the undisturbed answer did not end');
  expected = text;
});
afterAll(() => fleet?.stop());
beforeEach(() => undisturb(fleet));

/** What stands in each chunk, as each side sends its frames one by one. */
const STATES: [string, Side, number][] = [
  ['as the worker knocks', 'near', 0],
  ['as the link opens', 'far', 0],
  ['with open on its way', 'near', 1],
  ['with ready on its way', 'far', 1],
  ['with the first tokens on their way', 'far', 2],
  ['in the middle', 'far', 12],
  ['with a tree on its way', 'near', 6],
];

describe('kill -9', () => {
  test.each(STATES)('%s: the same text', async (_, side, at) => {
    const fault = onChunk(fleet, side, at, (bytes, verifier) => {
      verifier.signal('SIGKILL');
      return [bytes];
    });
    const asked = side === 'near' && at > 1 ? IN_LOCKSTEP : QUESTION;
    const { text, error, complete } = await stream(fleet.url, asked);
    expect(error).toBeNull();
    expect(text).toBe(expected);
    expect(complete).toBe(true);
    await fault.by()!.process.restart();
    await untilFree(fleet, 1_000);
  });

  test('while it drafts from earlier answers and a draft model: the same text', async () => {
    const fault = onChunk(fleet, 'far', 2, (bytes, verifier) => {
      verifier.signal('SIGKILL');
      return [bytes];
    });
    const { text, error } = await stream(fleet.url, { ...QUESTION, speculation: {} });
    expect(error).toBeNull();
    expect(text).toBe(expected);
    await fault.by()!.process.restart();
    await untilFree(fleet, 1_000);
  });
});

/** A `done` frame as it stands in the verifier's bytes: WebSocket header, frame type. */
const DONE = Buffer.from([0x82, 28, FrameType.done]);

test('kill -9 with done on its way, which never arrives: the same text and its end', async () => {
  let by: Verifier | null = null;
  for (const verifier of fleet.verifiers) {
    verifier.proxy.tap = (bytes, from) => {
      if (by || from !== 'far' || !bytes.includes(DONE)) return [bytes];
      by = verifier;
      verifier.signal('SIGKILL');
      return [bytes.subarray(0, bytes.indexOf(DONE))];
    };
  }
  const { text, error, complete, finish } = await stream(fleet.url, QUESTION);
  expect(error).toBeNull();
  expect(text).toBe(expected);
  expect(complete).toBe(true);
  expect(finish).toBe('stop');
  await by!.process.restart();
  await untilFree(fleet, 1_000);
});

describe('what a connection carries', () => {
  const flip = (bytes: Buffer) => {
    const damaged = Buffer.from(bytes);
    damaged[damaged.length - 3]! ^= 0x10;
    return [damaged];
  };
  const TAMPER: Record<string, (bytes: Buffer) => Buffer[]> = {
    damaged: flip,
    'cut short': (bytes) => [bytes.subarray(0, bytes.length >> 1)],
    doubled: (bytes) => [bytes, bytes],
    lost: () => [],
  };
  const cases = Object.keys(TAMPER).flatMap((what) =>
    (
      [
        ['near', 1],
        ['near', 4],
        ['far', 1],
        ['far', 9],
      ] as const
    )
      // Only what comes behind a lost frame tells that it is lost, and in lockstep nothing does.
      .filter(([side, at]) => !(what === 'lost' && side === 'near' && at === 4))
      .map(([side, at]) => [what, side, at] as const),
  );

  test.each([
    ['near', 1],
    ['far', 1],
    ['far', 9],
  ] as const)('swapped (%s, %i): the same text', async (side, at) => {
    let by: Verifier | null = null;
    for (const verifier of fleet.verifiers) {
      let seen = -1;
      let held: Buffer | null = null;
      verifier.proxy.tap = (bytes, from) => {
        if (from === 'near' && bytes.includes('/v1/link')) seen = -1;
        if (from !== side) return [bytes];
        seen++;
        if (seen === at && !by) {
          by = verifier;
          held = bytes;
          return [];
        }
        const both = held ? [bytes, held] : [bytes];
        held = null;
        return both;
      };
    }
    const { text, error } = await stream(fleet.url, at > 1 ? TOKEN_BY_TOKEN : QUESTION);
    expect(error).toBeNull();
    expect(text).toBe(expected);
    expect(by).not.toBeNull();
    await untilFree(fleet, HALF_OPEN_MS);
  });

  test.each(cases)('%s (%s, %i): the same text', async (what, side, at) => {
    const fault = onChunk(fleet, side, at, TAMPER[what]!);
    const late = side === 'near' ? IN_LOCKSTEP : TOKEN_BY_TOKEN;
    const asked = at > 1 ? late : QUESTION;
    const { text, error } = await stream(fleet.url, asked);
    expect(error).toBeNull();
    expect(text).toBe(expected);
    expect(fault.by()).not.toBeNull();
    // A cut leaves the verifier waiting for the rest, until the pings tell.
    await untilFree(fleet, HALF_OPEN_MS);
  });
});

test('a connection that freezes: the same text after the deadline, and the session is freed', async () => {
  const fault = onChunk(fleet, 'far', 8, (bytes, verifier) => {
    verifier.proxy.frozen = true;
    return [bytes];
  });
  const { text, error } = await stream(fleet.url, QUESTION);
  expect(error).toBeNull();
  expect(text).toBe(expected);
  expect(fault.by()).not.toBeNull();
  await untilFree(fleet, HALF_OPEN_MS);
});

test('a connection that breaks: the same text, the session freed within a second', async () => {
  const fault = onChunk(fleet, 'far', 8, (bytes, verifier) => {
    setImmediate(() => verifier.proxy.cut());
    return [bytes];
  });
  const { text, error } = await stream(fleet.url, QUESTION);
  expect(error).toBeNull();
  expect(text).toBe(expected);
  expect(fault.by()).not.toBeNull();
  await untilFree(fleet, 1_000);
});

test('turns that no verifier took leave the draft model to those that one takes', async () => {
  expect(await (await fetch(`${fleet.url}/health`)).json()).toMatchObject({
    draft_model: { state: 'ready' },
  });
  const ask = () =>
    fetch(`${fleet.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...QUESTION,
        speculation: { ablation: { draft_model: 'always' }, memory: false, stats: true },
      }),
    });
  for (const { proxy } of fleet.verifiers) {
    proxy.tap = (bytes, from) => {
      if (from === 'near' && bytes.includes('/v1/link')) setImmediate(() => proxy.cut());
      return from === 'near' && bytes.includes('/v1/link') ? [] : [bytes];
    };
  }
  // One more than an isolate has places for.
  for (let turn = 0; turn < 7; turn++) expect((await ask()).status).toBe(503);
  for (const { proxy } of fleet.verifiers) proxy.tap = (bytes) => [bytes];
  const { usage } = (await (await ask()).json()) as {
    usage: { speculation: { draft_model: object | null } };
  };
  expect(usage.speculation.draft_model).not.toBeNull();
}, 120_000);

describe('SIGTERM', () => {
  /** A question whose answer goes on for 150 tokens, so that it outlasts the grace, and that answer. */
  async function longAnswer() {
    for (let seed = 1; seed <= 40; seed++) {
      const question = { ...QUESTION, temperature: 2, seed, max_tokens: 150 };
      const { text, finish } = await stream(fleet.url, question);
      if (finish === 'length') return { question, text };
    }
    throw new Error('no seed gave an answer of 150 tokens');
  }

  test('a turn that ends within the grace ends there; new ones go elsewhere', async () => {
    // Short, so that a busy machine ends it within the grace too.
    const question = { ...QUESTION, max_tokens: 60 };
    const { text: undisturbed } = await stream(fleet.url, question);
    const fault = onChunk(fleet, 'far', 4, (bytes, verifier) => {
      verifier.signal('SIGTERM');
      return [bytes];
    });
    const links = countLinks(fleet);
    const { text, error } = await stream(fleet.url, question);
    expect(error).toBeNull();
    expect(text).toBe(undisturbed);
    expect([...links].map(([{ pid }, count]) => [pid, count])).toEqual([[fault.by()!.pid, 1]]);
    expect((await stream(fleet.url, question)).text).toBe(undisturbed);
    expect(await fault.by()!.ended()).toBe(0);
    await fault.by()!.process.restart();
    await untilFree(fleet, 1_000);
  });

  test('and kill -9 within the grace: the same text from the other', async () => {
    const fault = onChunk(fleet, 'far', 4, (bytes, verifier) => {
      verifier.signal('SIGTERM');
      const { tap } = verifier.proxy;
      let more = 0;
      verifier.proxy.tap = (some, from) => {
        if (from === 'far' && ++more === 3) verifier.signal('SIGKILL');
        return tap(some, from);
      };
      return [bytes];
    });
    const { text, error } = await stream(fleet.url, QUESTION);
    expect(error).toBeNull();
    expect(text).toBe(expected);
    expect(await fault.by()!.ended()).toBeNull();
    await fault.by()!.process.restart();
    await untilFree(fleet, 1_000);
  });

  test('a turn that does not is handed over, with the same text', async () => {
    const { question, text: undisturbed } = await longAnswer();
    for (const { proxy } of fleet.verifiers) proxy.rttMs = 60;
    const fault = onChunk(fleet, 'far', 8, (bytes, verifier) => {
      verifier.signal('SIGTERM');
      return [bytes];
    });
    const links = countLinks(fleet);
    // A round trip for every token.
    const lockstep = {
      ...question,
      speculation: { ...FORGETFUL, ablation: { trees: 'lockstep' } },
    };
    const { text, error } = await stream(fleet.url, lockstep);
    expect(error).toBeNull();
    expect(text).toBe(undisturbed);
    const other = fleet.verifiers.find((verifier) => verifier !== fault.by())!;
    expect(links.get(other)).toBe(1);
    expect(await fault.by()!.ended()).toBe(0);
    await fault.by()!.process.restart();
    await untilFree(fleet, 1_000);
  });
});
