/**
 * Peers that break every rule, against the whole link on either side: whatever
 * they send, the other side ends the turn by name or goes on, and frees what it
 * held.
 */
import { describe, expect, test } from 'vitest';
import { OPEN_DEADLINE_MS } from '../../gpu-backend/link/link-server.ts';
import { TREE_CREDIT } from '../../gpu-backend/turn/candidates.ts';
import { connect, type End, Host } from '../../sim/network.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { Link } from '../../src/link/client.ts';
import { LinkFailure } from '../../src/link/failure.ts';
import {
  type Accept,
  decodeAccept,
  decodeError,
  encodeAccept,
  encodeCancel,
  encodeDone,
  encodeError,
  encodeOpen,
  encodeProgress,
  encodeRead,
  encodeReady,
  encodeSpans,
  encodeTree,
  FrameType,
  frameType,
  LINK_ERRORS,
  type LinkErrorCode,
  MAX_LOGIT_BIASES,
  Opener,
  type OpenSettings,
  Sealer,
} from '../../src/link/protocol/index.ts';
import { triesOf } from '../support/whole.ts';
import { type Question, question, settings, VOCAB, World } from './simulated.ts';

const FRAMES = triesOf({ part: 2_000, whole: 10_000 });

/** A worker that says whatever it likes, each message well sealed. */
class Raw {
  readonly errors: LinkErrorCode[] = [];
  readonly types: number[] = [];
  closed = false;
  private readonly end: End;
  private readonly sealer = new Sealer();
  private readonly opener = new Opener();

  constructor(end: End) {
    this.end = end;
    end.attach({
      message: (message) => {
        const frame = this.opener.open(message!);
        this.types.push(frameType(frame));
        if (frameType(frame) === FrameType.error) this.errors.push(decodeError(frame).code);
      },
      closed: () => {
        this.closed = true;
      },
      drained: () => {},
    });
  }

  say(frame: Uint8Array): void {
    this.end.send(this.sealer.seal(frame));
  }

  /** Past the seal. */
  throw(message: Uint8Array): void {
    this.end.send(message);
  }

  hangUp(): void {
    this.end.close(1000);
  }
}

async function raw(world: World): Promise<Raw> {
  return new Raw((await world.run(world.dial(0))) as End);
}

/** Whatever prompt comes is the recorded one: hostile bytes may well be a good prompt. */
function ask(world: World, length = 40): Question {
  const asked = question(world.random, length);
  const { engine } = world.verifiers[0]!;
  const acquire = engine.acquire.bind(engine);
  engine.acquire = (prompt, maxTokens) => {
    engine.script('', prompt, asked.answer);
    return acquire(prompt, maxTokens);
  };
  return asked;
}

function openFrame({ prompt, answer }: Question, change: Partial<OpenSettings> = {}): Uint8Array {
  return encodeOpen({ prompt, settings: { ...settings(answer.length, 'echoed'), ...change } });
}

/** A frame of any type with random bytes behind it, or a good one with some bytes changed. */
function hostileFrame(random: () => number, good: readonly Uint8Array[]): Uint8Array {
  const draw = (n: number) => Math.floor(random() * n);
  if (random() < 0.5) {
    const frame = good[draw(good.length)]!.slice();
    for (let changes = draw(4); changes > 0; changes--) frame[draw(frame.length)] = draw(256);
    return frame;
  }
  const frame = Uint8Array.from({ length: 1 + draw(80) }, () => draw(256));
  frame[0] = good[draw(good.length)]![0]!;
  return frame;
}

function sampled(change: object): { sampling: unknown } {
  return { sampling: { ...settings(1, 'off').sampling, ...change } };
}

function smallTree(): TokenTree {
  const tree = new TokenTree(8);
  const first = tree.add(ROOT, 3, 0.5, Source.corpus);
  tree.add(first, 4, 0.25, Source.corpus);
  return tree;
}

describe('a hostile worker', () => {
  test(`${FRAMES} random frames before open: every link is refused, nothing is held`, async () => {
    const world = new World({ verifiers: 1, conditions: { rttMs: 0, jitterMs: 0 } });
    const good = [openFrame(ask(world)), encodeTree(smallTree(), 80), encodeCancel()];
    for (let i = 0; i < FRAMES; i++) {
      const peer = await raw(world);
      peer.say(hostileFrame(world.random, good));
      await world.pass(1);
      // A changed byte may leave the frame a good one.
      if (world.held === 0) expect(peer.errors.length).toBe(1);
      peer.hangUp();
      // A slot comes back when the step that uses it is over.
      await world.pass(world.held === 0 ? 0 : 30);
      expect(world.held).toBe(0);
    }
  });

  test(`${FRAMES} random frames in mid-turn: the turn ends or goes on, the slot comes back`, async () => {
    const world = new World({ verifiers: 1, conditions: { rttMs: 0, jitterMs: 0 } });
    const asked = ask(world, 60);
    const good = [
      encodeTree(smallTree(), asked.prompt.length),
      encodeSpans([{ source: Source.tenant, begins: true, tokens: Int32Array.of(1, 2, 3) }]),
      encodeRead(asked.prompt.length + 1),
      encodeCancel(),
      openFrame(asked),
    ];
    const ends = new Set<LinkErrorCode | 'went on'>();
    for (let sent = 0; sent < FRAMES; ) {
      const peer = await raw(world);
      peer.say(openFrame(asked));
      await world.pass(60);
      for (let i = 0; i < 32 && !peer.closed; i++, sent++) {
        peer.say(hostileFrame(world.random, good));
        await world.pass(2);
      }
      ends.add(peer.errors[0] ?? 'went on');
      peer.hangUp();
      await world.pass(60);
      expect(world.held).toBe(0);
    }
    expect([...ends].every((end) => end === 'went on' || end === 'bad-frame')).toBe(true);
    expect(ends.size).toBe(2);
  }, 300_000);

  test.each<[string, (peer: Raw, asked: Question) => void, LinkErrorCode]>([
    ['no open first', (peer) => peer.say(encodeCancel()), 'bad-frame'],
    [
      'two opens',
      (peer, asked) => {
        peer.say(openFrame(asked));
        peer.say(openFrame(asked));
      },
      'bad-frame',
    ],
    [
      'another version',
      (peer, asked) => {
        const frame = openFrame(asked);
        frame[1] = 99;
        peer.say(frame);
      },
      'version',
    ],
    ['no seal', (peer, asked) => peer.throw(openFrame(asked)), 'damaged'],
    ['an empty message', (peer) => peer.throw(new Uint8Array(0)), 'damaged'],
    [
      'more trees than credit',
      (peer, asked) => {
        peer.say(openFrame(asked));
        for (let i = 0; i <= TREE_CREDIT; i++) {
          peer.say(encodeTree(smallTree(), asked.prompt.length));
        }
      },
      'bad-frame',
    ],
    [
      'reading what was not said',
      (peer, asked) => {
        peer.say(openFrame(asked));
        peer.say(encodeRead(asked.prompt.length + 1000));
      },
      'bad-frame',
    ],
    [
      "the verifier's own frames",
      (peer, asked) => {
        peer.say(openFrame(asked));
        peer.say(encodeProgress(0));
      },
      'bad-frame',
    ],
  ])('%s: ends by name', async (_, act, code) => {
    const world = new World({ verifiers: 1 });
    const peer = await raw(world);
    act(peer, ask(world));
    await world.pass(2_000);
    expect(peer.errors).toEqual([code]);
    expect(peer.closed).toBe(true);
    expect(world.held).toBe(0);
  });

  test.each<[string, Partial<Record<keyof OpenSettings, unknown>>, LinkErrorCode]>([
    ['another model', { fingerprint: { model: 'x', tokenizer: 'y' } }, 'fingerprint'],
    ['no fingerprint', { fingerprint: null }, 'fingerprint'],
    ['more than the context', { maxTokens: 1 << 17 }, 'too-long'],
    ['half a token', { maxTokens: 1.5 }, 'bad-frame'],
    ['a budget beyond the cap', { budget: 65 }, 'bad-frame'],
    ['an unknown mode', { drafting: 'psychic' }, 'bad-frame'],
    [
      'a seed that is none',
      { sampling: { seed: ['a'], temperature: 0, topP: 1, topK: 0 } },
      'bad-frame',
    ],
    ['a penalty beyond the range', sampled({ frequencyPenalty: 2.1 }), 'bad-frame'],
    ['a penalty that is none', sampled({ presencePenalty: '1' }), 'bad-frame'],
    ['a repetition penalty of nothing', sampled({ repetitionPenalty: 0 }), 'bad-frame'],
    ['a min-p above all', sampled({ minP: 1.5 }), 'bad-frame'],
    ['a bias outside the vocabulary', sampled({ logitBias: [[VOCAB, 1]] }), 'bad-frame'],
    ['a bias beyond the range', sampled({ logitBias: [[1, -101]] }), 'bad-frame'],
    ['a bias of nothing', sampled({ logitBias: [[1]] }), 'bad-frame'],
    ['a bias that is a map', sampled({ logitBias: { 1: 1 } }), 'bad-frame'],
    [
      'two biases of one token',
      sampled({
        logitBias: [
          [1, 1],
          [1, 2],
        ],
      }),
      'bad-frame',
    ],
    [
      'more biases than allowed',
      sampled({ logitBias: Array.from({ length: MAX_LOGIT_BIASES + 1 }, (_, id) => [id, 1]) }),
      'bad-frame',
    ],
    ['regions outside the prompt', { regions: [[0, 1000, 1]] }, 'bad-frame'],
    ['excerpts outside the prompt', { excerpts: [[0, 1000]] }, 'bad-frame'],
    ['excerpts that end before they begin', { excerpts: [[2, 1]] }, 'bad-frame'],
    ['an answer longer than the prompt', { resumed: 80 }, 'bad-frame'],
    ['stop ids outside the vocabulary', { stopIds: [VOCAB] }, 'bad-frame'],
    ['a namespace of a megabyte', { namespace: 'n'.repeat(60_000) }, 'bad-frame'],
  ])('asking for %s is refused by name', async (_, change, code) => {
    const world = new World({ verifiers: 1 });
    const peer = await raw(world);
    peer.say(openFrame(ask(world), change as Partial<OpenSettings>));
    await world.pass(200);
    expect(peer.errors).toEqual([code]);
    expect(world.held).toBe(0);
  });

  test('saying nothing is not waited for', async () => {
    const world = new World({ verifiers: 1 });
    const peer = await raw(world);
    await world.pass(OPEN_DEADLINE_MS / 2);
    expect(peer.closed).toBe(false);
    await world.pass(OPEN_DEADLINE_MS);
    expect(peer.errors).toEqual(['bad-frame']);
    expect(peer.closed).toBe(true);
  });
});

describe('a hostile verifier', () => {
  /** A worker's link to a peer that says `frames` once it was opened; how it ended. */
  async function meet(
    world: World,
    frames: readonly Uint8Array[],
    readAfterMs = 0,
  ): Promise<LinkFailure | 'done'> {
    const { clock, conditions, random } = world;
    const hosts = { near: new Host(clock), far: new Host(clock) };
    const { near, far } = await world.run(connect(clock, hosts, conditions, random));
    const peer = new Raw(far);
    const asked = ask(world);
    const link = new Link(near, clock, { prompt: asked.prompt, settings: settings(40, 'off') });
    for (const frame of frames) peer.say(frame);
    await world.pass(readAfterMs);
    return world.run(
      (async () => {
        try {
          for await (const _ of link.events());
          return 'done';
        } catch (failure) {
          if (!(failure instanceof LinkFailure)) throw failure;
          return failure;
        }
      })(),
    );
  }

  const ready = encodeReady({ promptTokens: 80, cachedTokens: 0, credit: 8, active: 1, slots: 1 });
  const done = encodeDone({
    reason: 'stop',
    steps: 1,
    drafted: 0,
    accepted: 0,
    prefillMicros: 1,
    stale: 0,
  });
  const accept = (position: number, count = 1) =>
    encodeAccept({
      position,
      tokens: new Int32Array(count),
      sources: new Uint8Array(count),
      steps: 1,
      drafted: 0,
      credit: 0,
      stepMicros: 1,
    });

  test(`${FRAMES} random frames end in a failure by name or in done`, async () => {
    const world = new World({ conditions: { rttMs: 0, jitterMs: 0 } });
    const good = [
      ready,
      accept(80),
      encodeProgress(3),
      done,
      encodeError({ code: 'engine', message: 'x', retryAfterMs: 5 }),
    ];
    const known = new Set<string>([...LINK_ERRORS, 'silent', 'lost', 'done']);
    for (let sent = 0; sent < FRAMES; sent += 8) {
      const frames = Array.from({ length: 8 }, () => hostileFrame(world.random, good));
      const end = await meet(world, sent % 16 === 0 ? [ready, ...frames] : frames);
      expect(known).toContain(end === 'done' ? end : end.code);
    }
  });

  test.each<[string, Uint8Array[], RegExp]>([
    ['tokens before ready', [accept(80)], /before ready/],
    ['ready twice', [ready, ready], /again/],
    ['tokens out of place', [ready, accept(81)], /80 is next/],
    ['the same tokens again', [ready, accept(80), accept(80)], /81 is next/],
    ["a worker's frame", [ready, encodeCancel()], /not the verifier's/],
  ])('%s: refused by name', async (_, frames, message) => {
    const end = await meet(new World({ conditions: { rttMs: 0, jitterMs: 0 } }), frames);
    expect(end).toMatchObject({ code: 'bad-frame', message: expect.stringMatching(message) });
  });

  test.each<[string, Partial<Accept>, RegExp]>([
    [
      'log-probabilities',
      {
        logprobs: {
          top: 0,
          committed: Float32Array.of(-1),
          topIds: new Int32Array(0),
          topLogprobs: new Float32Array(0),
        },
      },
      /logprobs 0, but null/,
    ],
  ])('%s that nobody asked for are refused by name', async (_, told, message) => {
    const world = new World({ conditions: { rttMs: 0, jitterMs: 0 } });
    const frame = encodeAccept({ ...decodeAccept(accept(80)), ...told });
    expect(await meet(world, [ready, frame])).toMatchObject({
      code: 'bad-frame',
      message: expect.stringMatching(message),
    });
  });

  test('more than the reader can have read: refused by name', async () => {
    const frames = Array.from({ length: 9 }, (_, i) => accept(80 + i * 200, 200));
    const world = new World({ conditions: { rttMs: 0, jitterMs: 0 } });
    expect(await meet(world, [ready, ...frames], 100)).toMatchObject({
      code: 'bad-frame',
      message: expect.stringContaining('ahead of the reader'),
    });
  });

  test('one that says nothing is given up', async () => {
    expect(await meet(new World(), [])).toMatchObject({ code: 'silent' });
  });

  test('nothing after done is listened to', async () => {
    expect(await meet(new World(), [ready, done, accept(500)])).toBe('done');
  });
});
