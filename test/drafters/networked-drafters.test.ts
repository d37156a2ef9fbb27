/** What a network beside the engine is asked, and what becomes of its words. */
import { describe, expect, test, vi } from 'vitest';
import { EchoDrafter } from '../../gpu-backend/drafters/echo.ts';
import type { Seat } from '../../gpu-backend/drafters/local-drafters.ts';
import { Source } from '../../src/draft/source.ts';
import { TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';
import { ALWAYS, right, truth, world } from './networked-world.ts';

describe('a network beside the engine', () => {
  test('is asked for all sessions in one run, pass after pass, and its words are drafted', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turns = [begin('a'), begin('b', 20)];
    expect(turns.map((turn) => turn.depth(turn.drawn()))).toEqual([0, 0]);
    await drafters.prepare(
      turns.map(({ seat }) => seat),
      turns.length,
    );
    expect(network.runs).toHaveLength(4);
    for (const run of network.runs) expect(run).toHaveLength(2);
    for (const turn of turns) {
      const tree = turn.drawn();
      expect(turn.depth(tree)).toBe(4);
      expect(tree.sources[0]).toBe(Source.network);
    }
  });

  test('reads what was committed once, and goes on from what it has read', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turn = begin();
    await drafters.prepare([turn.seat], 1);
    expect(network.runs[0]![0]!.tokens).toHaveLength(8);
    turn.commit(3);
    network.runs.length = 0;
    await drafters.prepare([turn.seat], 1);
    // All three were nodes that it had read: a path of rows, and nothing to read again.
    expect(network.runs[0]![0]!.settled).toHaveLength(3);
    expect(network.runs[0]![0]!.tokens).toHaveLength(0);
    turn.seat.commit(Int32Array.of(999));
    network.runs.length = 0;
    await drafters.prepare([turn.seat], 1);
    expect([...network.runs[0]![0]!.tokens]).toEqual([999]);
  });

  test('that reads states is asked about a node only when it has answered the one above', async () => {
    const { drafters, network } = world(right, ALWAYS);
    const read = network.read.bind(network);
    const early: number[] = [];
    network.read = async (questions) => {
      const nodes = questions.flatMap((question) => question.nodes);
      early.push(nodes.filter(({ parent }) => !parent!.says).length);
      await read(questions);
    };
    for (const readsStates of [false, true]) {
      Object.assign(network, { readsStates });
      early.length = 0;
      network.runs.length = 0;
      // Text that repeats itself is drafted before the network has said anything.
      const text = Array.from({ length: 32 }, (_, i) => truth(i % 4));
      const prompt = Int32Array.from(text.slice(0, 24));
      const seat = drafters.seat(turnOf({ prompt }));
      seat.begin(prompt, []);
      for (const token of text.slice(24)) {
        await drafters.prepare([seat], 1);
        seat.commit(Int32Array.of(token));
      }
      expect(early.some((count) => count > 0)).toBe(!readsStates);
      expect(network.runs.flat().some(({ nodes }) => nodes.length > 0)).toBe(true);
    }
  });

  test('reads a long text a chunk a step', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turn = begin('a', 150);
    for (const tokens of [64, 64]) {
      network.runs.length = 0;
      await drafters.prepare([turn.seat], 1);
      expect(network.runs).toHaveLength(1);
      expect(network.runs[0]![0]!.tokens).toHaveLength(tokens);
    }
    await drafters.prepare([turn.seat], 1);
    expect(turn.depth(turn.drawn())).toBeGreaterThan(1);
  });

  test('reads the end of a text alone where no more is of use', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    network.usefulContext = 24;
    const read = async (turn: ReturnType<typeof begin>) => {
      network.runs.length = 0;
      await drafters.prepare([turn.seat], 1);
      return [...network.runs[0]![0]!.tokens];
    };
    const end = Array.from({ length: 24 }, (_, i) => truth(76 + i));
    expect(await read(begin('a', 100))).toEqual(end);
    expect(await read(begin('a', 20))).toHaveLength(20);
    // What moves the target has to read what it reads.
    const moving = { transfer: 20, warp: { temperature: 0.8, topK: 0, topP: 1 } };
    expect(await read(begin('a', 60, moving))).toHaveLength(60);
  });

  test('forgets a session that ends, and gives it no place again', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turns = [begin(), begin()];
    await drafters.prepare(
      turns.map(({ seat }) => seat),
      turns.length,
    );
    expect(network.places).toBe(2);
    turns[0]!.seat.end();
    turns[0]!.seat.end();
    expect(network.places).toBe(1);
    network.runs.length = 0;
    await drafters.prepare(
      turns.map(({ seat }) => seat),
      turns.length,
    );
    for (const run of network.runs) expect(run).toHaveLength(1);
    turns[1]!.seat.end();
    expect(network.places).toBe(0);
  });

  test('that fails leaves the sessions their other drafts', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turn = begin();
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    network.during = () => {
      throw new Error('no memory');
    };
    await drafters.prepare([turn.seat], 1);
    expect(complaint).toHaveBeenCalledOnce();
    complaint.mockRestore();
    expect(turn.drawn().size).toBe(0);
    turn.commit(2);
    network.during = () => {};
    await drafters.prepare([turn.seat], 1);
    expect(turn.depth(turn.drawn())).toBe(4);
    expect(network.places).toBe(1);
  });

  test('that fails three times in a row is not asked again, and says so once', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turn = begin();
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const fail = () => {
      throw new Error('no memory');
    };
    for (const during of [fail, fail, () => {}, fail, fail, fail, fail, () => {}]) {
      network.during = during;
      await drafters.prepare([turn.seat], 1);
    }
    // Two that fail, four that don't, three that fail.
    expect(network.runs).toHaveLength(9);
    const said = complaint.mock.calls.filter(([first]) =>
      /the draft network scripted failed 3 times in a row/.test(String(first)),
    );
    expect(said).toHaveLength(1);
    expect(complaint).toHaveBeenCalledTimes(3);
    complaint.mockRestore();
    expect(network.places).toBe(0);
  });

  test('that lets one session in and fails at the next keeps neither', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turns = [begin('a'), begin('b')];
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const enter = network.enter.bind(network);
    network.enter = () => {
      if (network.places > 0) throw new Error('no memory');
      return enter();
    };
    await drafters.prepare(
      turns.map(({ seat }) => seat),
      turns.length,
    );
    complaint.mockRestore();
    expect(network.runs).toHaveLength(0);
    expect(network.places).toBe(0);
  });

  test('is not asked where a committed token need not be the draw of the target', async () => {
    const { drafters, network } = world(right, ALWAYS);
    const prompt = Int32Array.of(3, 4, 5);
    const seat = drafters.seat(turnOf({ prompt, accept: { name: 'typical' } }));
    seat.begin(prompt, []);
    await drafters.prepare([seat], 1);
    expect(network.runs).toHaveLength(0);
    expect(seat.networked).toBeNull();
  });

  test('that is silent leaves the echo as it is alone, whatever it said before', async () => {
    const { drafters, begin } = world(right, ALWAYS);
    const turn = begin();
    const alone = new EchoDrafter();
    const prompt = Int32Array.from({ length: 8 }, (_, i) => truth(i));
    alone.begin(prompt, []);
    // Text that repeats itself, of which the network knows nothing.
    const text = Array.from({ length: 48 }, (_, i) => truth(i % 7));
    const drawn = (seat: Seat) => {
      const tree = new TokenTree();
      seat.draft(tree, 16);
      return [...tree.tokens.subarray(0, tree.size), ...tree.probs.subarray(0, tree.size)];
    };
    for (const [i, token] of text.entries()) {
      if (i % 2 === 0) {
        await drafters.prepare([turn.seat], 1);
        expect(drawn(turn.seat)).not.toEqual(drawn(alone));
      }
      for (const seat of [turn.seat, alone]) seat.commit(Int32Array.of(token));
      turn.seat.networked!.leave();
      expect(drawn(turn.seat)).toEqual(drawn(alone));
    }
    expect(drawn(alone).length).toBeGreaterThan(8);
  });

  test('can be left out of a tree, to see what it brought', async () => {
    const { drafters, begin } = world(right, ALWAYS);
    const turn = begin();
    const without = new TokenTree();
    expect(turn.seat.networked!.draftWithout(without, 32)).toBe(false);
    await drafters.prepare([turn.seat], 1);
    expect(turn.seat.networked!.draftWithout(without, 32)).toBe(true);
    expect(turn.depth(without)).toBe(0);
    expect(turn.depth(turn.drawn())).toBe(4);
  });
});
