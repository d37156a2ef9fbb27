/** What a network beside the engine is asked, what becomes of its words, and what it may cost. */
import { describe, expect, test, vi } from 'vitest';
import { Gain } from '../../gpu-backend/drafters/gain.ts';
import {
  NetworkedDrafters,
  type NetworkedOptions,
} from '../../gpu-backend/drafters/networked-drafters.ts';
import { Price, Purse, Stake } from '../../gpu-backend/drafters/price.ts';
import { shortContext } from '../../gpu-backend/drafters/short-context.ts';
import { Noise } from '../../src/draft/noise.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';
import { type Script, ScriptedNetwork } from './scripted-network.ts';

const VOCAB = 1000;
const noise = new Noise([1, 2]);
/** What a target writes that can't be foreseen: the token at a position. */
function truth(position: number): number {
  noise.at(position);
  return Math.floor(Math.exp(-Math.exp(-noise.gumbel(0))) * VOCAB) % VOCAB;
}
const right: Script = (_, position) => [
  [truth(position), 0.9],
  [1, 0.05],
];
const wrong: Script = (_, position) => [[(truth(position) + 1) % VOCAB, 0.9]];

/** Time in milliseconds that only what is tested moves. */
class Time {
  ms = 0;
  now = (): number => this.ms;
}

function world(script: Script, options: NetworkedOptions = {}) {
  const time = new Time();
  const network = new ScriptedNetwork(VOCAB, script);
  const drafters = new NetworkedDrafters(network, time, options);
  const begin = (namespace = 'a', length = 8) => {
    const prompt = Int32Array.from({ length }, (_, i) => truth(i));
    const turn = turnOf({ prompt, namespace, maxTokens: 20_000 });
    const seat = drafters.seat(turn);
    seat.begin(prompt, []);
    let position = length;
    return {
      seat,
      drawn(budget = 32) {
        const tree = new TokenTree();
        seat.draft(tree, budget);
        tree.checkIntegrity();
        return tree;
      },
      /** How deep a tree carries what comes. */
      depth(tree: TokenTree) {
        let node = ROOT;
        for (let depth = 0; ; depth++) {
          node = tree.child(node, truth(position + depth));
          if (node < 0) return depth;
        }
      },
      commit(count: number) {
        seat.commit(Int32Array.from({ length: count }, (_, i) => truth(position + i)));
        position += count;
      },
    };
  };
  return { time, network, drafters, begin };
}

const ALWAYS = { always: { passes: 4, nodes: 4 } };

describe('a network beside the engine', () => {
  test('is asked for all sessions in one run, pass after pass, and its words are drafted', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turns = [begin('a'), begin('b', 20)];
    expect(turns.map((turn) => turn.depth(turn.drawn()))).toEqual([0, 0]);
    await drafters.prepare(turns.map(({ seat }) => seat));
    expect(network.runs).toHaveLength(4);
    for (const run of network.runs) expect(run).toHaveLength(2);
    for (const turn of turns) {
      const tree = turn.drawn();
      expect(turn.depth(tree)).toBe(4);
      expect(tree.sources[0]).toBe(Source.draft);
    }
  });

  test('reads what was committed once, and goes on from what it has read', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turn = begin();
    await drafters.prepare([turn.seat]);
    expect(network.runs[0]![0]!.tokens).toHaveLength(8);
    turn.commit(3);
    network.runs.length = 0;
    await drafters.prepare([turn.seat]);
    // All three were nodes that it had read: a path of rows, and nothing to read again.
    expect(network.runs[0]![0]!.settled).toHaveLength(3);
    expect(network.runs[0]![0]!.tokens).toHaveLength(0);
    turn.seat.commit(Int32Array.of(999));
    network.runs.length = 0;
    await drafters.prepare([turn.seat]);
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
        await drafters.prepare([seat]);
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
      await drafters.prepare([turn.seat]);
      expect(network.runs).toHaveLength(1);
      expect(network.runs[0]![0]!.tokens).toHaveLength(tokens);
    }
    await drafters.prepare([turn.seat]);
    expect(turn.depth(turn.drawn())).toBeGreaterThan(1);
  });

  test('forgets a session that ends, and gives it no place again', async () => {
    const { drafters, network, begin } = world(right, ALWAYS);
    const turns = [begin(), begin()];
    await drafters.prepare(turns.map(({ seat }) => seat));
    expect(network.places).toBe(2);
    turns[0]!.seat.end();
    turns[0]!.seat.end();
    expect(network.places).toBe(1);
    network.runs.length = 0;
    await drafters.prepare(turns.map(({ seat }) => seat));
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
    await drafters.prepare([turn.seat]);
    expect(complaint).toHaveBeenCalledOnce();
    complaint.mockRestore();
    expect(turn.drawn().size).toBe(0);
    turn.commit(2);
    network.during = () => {};
    await drafters.prepare([turn.seat]);
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
      await drafters.prepare([turn.seat]);
    }
    // Two that fail, four that don't, three that fail.
    expect(network.runs).toHaveLength(9);
    const said = complaint.mock.calls.filter(([first]) => /3 times in a row/.test(String(first)));
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
    await drafters.prepare(turns.map(({ seat }) => seat));
    complaint.mockRestore();
    expect(network.runs).toHaveLength(0);
    expect(network.places).toBe(0);
  });

  test('is not asked where a committed token need not be the draw of the target', async () => {
    const { drafters, network } = world(right, ALWAYS);
    const prompt = Int32Array.of(3, 4, 5);
    const seat = drafters.seat(turnOf({ prompt, accept: { name: 'typical' } }));
    seat.begin(prompt, []);
    await drafters.prepare([seat]);
    expect(network.runs).toHaveLength(0);
    expect(seat.networked).toBeNull();
  });

  test('can be left out of a tree, to see what it brought', async () => {
    const { drafters, begin } = world(right, ALWAYS);
    const turn = begin();
    const without = new TokenTree();
    expect(turn.seat.networked!.draftWithout(without, 32)).toBe(false);
    await drafters.prepare([turn.seat]);
    expect(turn.seat.networked!.draftWithout(without, 32)).toBe(true);
    expect(turn.depth(without)).toBe(0);
    expect(turn.depth(turn.drawn())).toBe(4);
  });
});

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
    await drafters.prepare([turn.seat]);
    const accepted = turn.depth(turn.drawn(8));
    time.ms += stepMs;
    turn.commit(1 + accepted);
    tokens += 1 + accepted;
    drafters.settle([{ seat: turn.seat, tokens: 1 + accepted, extra: accepted }], stepMs);
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
        await drafters.prepare([turn.seat]);
        turn.commit(1);
        drafters.settle([{ seat: turn.seat, tokens: 1, extra: 0 }], stepMs);
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
    expect(stake.left).toBe(0);
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

describe('what a network reads of a long text', () => {
  const text = Int32Array.from({ length: 1000 }, (_, i) => i);
  const passage = (start: number, end: number) => ({ start, end, source: Source.passage });

  test('is all of it where that is short enough', () => {
    expect(shortContext(text, [], 1000)).toBe(text);
  });

  test('is its end where no passages are marked', () => {
    expect([...shortContext(text, [], 10)]).toEqual([...text.subarray(990)]);
  });

  test('is the beginning, the passages and the end, never more than it may', () => {
    const short = shortContext(text, [passage(100, 120), passage(300, 340)], 200);
    expect(short).toHaveLength(200);
    expect([...short.subarray(0, 33)]).toEqual([...text.subarray(0, 32), 100]);
    expect([...short.subarray(52, 54)]).toEqual([300, 301]);
    expect(short[short.length - 1]).toBe(999);
    const full = shortContext(text, [passage(40, 900)], 200);
    expect(full).toHaveLength(200);
    expect([...full.subarray(100)]).toEqual([...text.subarray(900)]);
  });
});
