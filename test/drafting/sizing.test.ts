/** How trees are sized in a step that several sessions share, and what stops drafting that does not pay. */
import { describe, expect, test } from 'vitest';
import { Acceptance } from '../../gpu-backend/turn/acceptance.ts';
import { DraftingAccount, LONGEST_PAUSE } from '../../gpu-backend/turn/drafting-account.ts';
import { PlainPace } from '../../gpu-backend/turn/plain-pace.ts';
import { type Draftable, TreeSizing } from '../../gpu-backend/turn/tree-sizing.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { AcceptRuleName } from '../../src/link/protocol/index.ts';

/** A chain of nodes, each following the one before with probability `p`. */
function chain(length: number, p: number): TokenTree {
  const tree = new TokenTree();
  for (let i = 0; i < length; i++) tree.add(i - 1, i, p ** (i + 1), Source.corpus);
  return tree;
}

/** A walk that accepted the first `count` nodes of a chain. */
const accepted = (count: number) => ({
  path: Int32Array.from({ length: count + 1 }, (_, i) => i),
  count: count + 1,
});

describe('how far a drafter is believed', () => {
  const corrected = (acceptance: Acceptance, ...falling: number[]) => {
    const list = Float64Array.from(falling);
    acceptance.correct(list);
    return [...list];
  };

  test('as it says, before anything was tried', () => {
    expect(corrected(new Acceptance(), 0.9, 0.5, 0.1)).toEqual([0.9, 0.5, 0.1]);
  });

  test('a few trees that promised too much are enough to be believed no more', () => {
    const acceptance = new Acceptance();
    for (let i = 0; i < 3; i++) acceptance.observe(chain(16, 0.99), accepted(0));
    expect(corrected(acceptance, 0.99)[0]).toBeLessThan(0.2);
  });

  test('what keeps its promises stays believed, and one that comes to keep them is again', () => {
    const acceptance = new Acceptance();
    for (let i = 0; i < 100; i++) acceptance.observe(chain(1, 0.9), accepted(i % 10 === 0 ? 0 : 1));
    expect(corrected(acceptance, 0.9)[0]).toBeGreaterThan(0.8);
    for (let i = 0; i < 50; i++) acceptance.observe(chain(1, 0.9), accepted(0));
    const low = corrected(acceptance, 0.9)[0]!;
    for (let i = 0; i < 100; i++) acceptance.observe(chain(1, 0.9), accepted(1));
    expect(low).toBeLessThan(0.5);
    expect(corrected(acceptance, 0.9)[0]).toBeGreaterThan(0.7);
  });

  test('each class of probability for itself, and the order stays', () => {
    const acceptance = new Acceptance();
    const sure = new TokenTree();
    sure.add(ROOT, 1, 0.9, Source.corpus);
    const unsure = new TokenTree();
    unsure.add(ROOT, 1, 0.3, Source.corpus);
    for (let i = 0; i < 60; i++) {
      acceptance.observe(sure, accepted(0));
      acceptance.observe(unsure, accepted(i % 3 === 0 ? 1 : 0));
    }
    const [high, low] = corrected(acceptance, 0.9, 0.3) as [number, number];
    expect(high).toBeLessThan(0.3);
    expect(low).toBeLessThanOrEqual(high);
    expect(corrected(acceptance, 0.3)[0]).toBeGreaterThan(0.2);
  });
});

describe('an account', () => {
  test('pauses after a loss, and for longer each time a trial fails', () => {
    const account = new DraftingAccount();
    const pauses: number[] = [];
    for (let trial = 0; trial < 5; trial++) {
      let lost = 0;
      while (!account.paused) {
        account.settle(-0.4, 0, 4);
        lost += 0.4;
      }
      expect(lost).toBeLessThan(2);
      let pause = 0;
      for (; account.paused; pause++) account.rest();
      pauses.push(pause);
    }
    for (let i = 1; i < pauses.length; i++) {
      expect(pauses[i]).toBe(Math.min(LONGEST_PAUSE, 2 * pauses[i - 1]!));
    }
    expect(pauses.at(-1)).toBe(LONGEST_PAUSE);
  });

  test('lives with large trees that are lost now and then and pay on average', () => {
    const account = new DraftingAccount();
    for (let i = 0; i < 500; i++) {
      account.settle(i % 3 === 2 ? -5 : 4, 5, 12);
      expect(account.paused).toBe(false);
    }
  });

  test('what went well for long does not pay for a long loss', () => {
    const account = new DraftingAccount();
    for (let i = 0; i < 1000; i++) account.settle(1, 0.5, 4);
    let steps = 0;
    for (; !account.paused; steps++) account.settle(-1, 0.5, 4);
    expect(steps).toBeLessThan(10);
  });
});

describe('an account of steps in which no candidate was worth a node', () => {
  /** Steps with candidates, of so many. */
  const drawn = (account: DraftingAccount, steps: number, nodes: number) => {
    let count = 0;
    for (let step = 0; step < steps; step++) {
      if (account.paused) account.rest();
      else {
        count++;
        account.settle(0, 0, nodes);
      }
    }
    return count;
  };

  test('soon lets few of them draw', () => {
    const account = new DraftingAccount();
    expect(drawn(account, 16, 0)).toBe(16);
    expect(drawn(account, 180, 0)).toBe(20);
  });

  test('lets all draw again as soon as one finds something', () => {
    const account = new DraftingAccount();
    drawn(account, 100, 0);
    while (account.paused) account.rest();
    account.settle(0, 0, 1);
    expect(drawn(account, 16, 0)).toBe(16);
  });
});

describe('the pace of plain steps', () => {
  test('what disturbs the last steps of a pause does not set it', () => {
    const pace = new PlainPace();
    for (let step = 0; step < 58; step++) pace.plain(1);
    for (let step = 0; step < 6; step++) pace.plain(1.7);
    expect(pace.ratio).toBe(1);
  });

  test('what disturbs a first pause is over with it', () => {
    const pace = new PlainPace();
    pace.plain(1);
    for (let step = 0; step < 6; step++) pace.plain(1.7);
    for (let step = 0; step < 24; step++) pace.plain(1);
    expect(pace.ratio).toBe(1);
  });

  test('a machine that stays slower does, within one pause', () => {
    const pace = new PlainPace();
    for (let step = 0; step < 64; step++) pace.plain(1);
    for (let step = 0; step < 64; step++) pace.plain(1.7);
    expect(pace.ratio).toBe(1.7);
  });

  test('while drafting gains little, one step in 33 is plain', () => {
    const pace = new PlainPace();
    let plain = 0;
    for (let step = 0; step < 1_000; step++) {
      if (pace.due) {
        plain++;
        pace.plain(1);
      } else pace.drafted(1.1);
    }
    expect(plain).toBeGreaterThan(28);
    expect(plain).toBeLessThan(36);
  });
});

describe('a step of several sessions', () => {
  /** A session whose candidates are a chain. */
  const session = (
    namespace: string,
    length: number,
    p: number,
    rule: AcceptRuleName = 'match',
  ) => {
    const tree = chain(length, p);
    return {
      namespace,
      rule,
      slot: { length: 100, cached: 0, capacity: 1000 },
      isDrafted: true,
      outcome: null as Draftable['outcome'],
      probsWithout: null as Float64Array | null,
      tree,
      falling: () => tree.probs.slice(0, length),
    };
  };
  /** A step takes 20 ms, and `perNode` more for each node. */
  const engine = (perNode: number) => ({
    plan() {
      return {
        cost: 20,
        add() {
          this.cost += perNode;
        },
      };
    },
  });
  const propose = (one: ReturnType<typeof session>) => Float64Array.from(one.falling());

  /** Sizes a step, lets it accept all that it verified, or nothing, and settles it. */
  function run(
    sizing: TreeSizing,
    sessions: ReturnType<typeof session>[],
    ms: (nodes: number) => number,
    accepts: boolean,
  ) {
    const sized = sizing.size(sessions, propose);
    sessions.forEach((one, i) => {
      const nodes = sized.nodes[i]!;
      one.outcome = { tree: chain(nodes || 1, 0.9), walk: accepted(accepts ? nodes : 0) };
      if (nodes === 0) one.outcome.tree.clear();
    });
    const total = sized.nodes.reduce((sum, one) => sum + one, 0);
    sizing.settle(sessions, sized, ms(total));
    return sized;
  }

  test('the first is plain, to be compared with; then nodes go where they are likeliest', () => {
    const sizing = new TreeSizing(engine(2));
    const sessions = [session('a', 8, 0.95), session('b', 8, 0.4)];
    expect([...run(sizing, sessions, () => 20, false).nodes]).toEqual([0, 0]);
    const [sure, unsure] = sizing.size(sessions, propose).nodes as unknown as [number, number];
    expect(sure).toBeGreaterThan(4);
    expect(unsure).toBeLessThan(sure);
  });

  test('drafting that loses is paused in a few steps, for its namespace, rule and load alone', () => {
    const sizing = new TreeSizing(engine(0));
    const bad = session('bad', 4, 0.9);
    const good = session('good', 4, 0.9);
    const slow = (nodes: number) => 20 + 20 * nodes;
    for (let i = 0; i < 12; i++) run(sizing, [bad], slow, false);
    expect(run(sizing, [bad], slow, false).drafting).toEqual([false]);
    // Another namespace, the same one by another rule or at another load have accounts of their own.
    const fresh = (sessions: ReturnType<typeof session>[]) => {
      const drafted = [0, 1].map(() => run(sizing, sessions, () => 20, true).drafting);
      return drafted.some((drafting) => drafting[0]);
    };
    expect(fresh([good])).toBe(true);
    expect(fresh([session('bad', 4, 0.9, 'typical')])).toBe(true);
    expect(fresh([bad, bad, bad])).toBe(true);
  });

  test('plain steps come again and again, rarely where drafting gains much', () => {
    const sizing = new TreeSizing(engine(1));
    const one = session('a', 8, 0.95);
    const plain: number[] = [];
    for (let i = 0; i < 1500; i++) {
      if (!run(sizing, [one], (nodes) => 20 + nodes, true).drafting[0]) plain.push(i);
    }
    expect(plain.length).toBeGreaterThan(6);
    expect(plain.length).toBeLessThan(16);
  });

  test('nobody draws what would not pay, however far it is believed', () => {
    const sizing = new TreeSizing(engine(2));
    const sessions = [session('a', 4, 0.9), session('a', 4, 0.9)];
    const asked: number[] = [];
    const told = (one: ReturnType<typeof session>, least: number) => {
      asked.push(least);
      return propose(one);
    };
    sizing.size(sessions, told, [true, false]);
    // A node takes a tenth of the step's time, in which two sessions commit two tokens: 0.2; half of that is surely too little.
    expect(asked).toEqual([0.1]);
    const walk = { tree: chain(1, 0.5), walk: accepted(1) };
    for (let i = 0; i < 200; i++) {
      const sized = sizing.size(sessions, told, [true, true]);
      for (const one of sessions) one.outcome = walk;
      sizing.settle(sessions, sized, 20);
    }
    expect(asked.at(-1)).toBeLessThan(0.06);
  });

  test('what would be verified without the words of a network is sized apart, and the difference is owed to it', () => {
    const sizing = new TreeSizing(engine(2));
    const sessions = [session('a', 8, 0.95), session('b', 4, 0.9)];
    run(sizing, sessions, () => 20, false);
    const plain = sizing.size(sessions, propose);
    expect(plain.without).toBe(null);
    expect(sizing.timeOwed(sessions, plain, 30)).toEqual([0, 0]);
    sessions[0]!.probsWithout = Float64Array.of(0.9, 0.01);
    const sized = sizing.size(sessions, propose);
    const { nodes, cost, without } = sized;
    expect([...without!.nodes]).toEqual([1, nodes[1]]);
    expect(cost - without!.cost).toBe(2 * (nodes[0]! - 1));
    // Who has no network owes it nothing; a step that hung counts as three.
    const owed = (ms: number) => sizing.timeOwed(sessions, sized, ms);
    expect(owed(cost)[0]).toBeCloseTo(cost - without!.cost);
    expect(owed(cost)[1]).toBe(0);
    expect(owed(100 * cost)[0]).toBeCloseTo(3 * (cost - without!.cost));
    sessions[1]!.probsWithout = new Float64Array(0);
    const both = sizing.size(sessions, propose);
    const [a, b] = sizing.timeOwed(sessions, both, both.cost) as [number, number];
    expect(b / a).toBeCloseTo(both.nodes[1]! / (both.nodes[0]! - 1));
    // Of an earlier step, where none is drafted for now.
    expect(sizing.size(sessions, propose, [false, false]).without).toBe(null);
  });

  test('a session that wants no drafts is left alone', () => {
    const sizing = new TreeSizing(engine(0));
    const off = { ...session('a', 4, 0.9), isDrafted: false };
    for (let i = 0; i < 5; i++) {
      const sized = run(sizing, [off, session('a', 4, 0.9)], () => 20, true);
      expect(sized.nodes[0]).toBe(0);
    }
  });
});
