/** What the target says at prompt tokens is told of the positions that it is of, and paid for where it brings something. */
import { describe, expect, test } from 'vitest';
import { JointNetwork } from '../../gpu-backend/drafters/joint-network.ts';
import type { Network, Question } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { PromptNetwork } from '../../gpu-backend/drafters/prompt-network.ts';
import { Prompting, PromptWorth, type Terms } from '../../gpu-backend/drafters/prompting.ts';
import type { StepRow } from '../../gpu-backend/engine/engine.ts';
import { PANEL_ROWS } from '../../gpu-backend/engine/panel.ts';
import { PromptRows } from '../../gpu-backend/turn/prompt-rows.ts';
import { rowWithRoom } from '../../gpu-backend/turn/tree-row.ts';
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';
import { Source } from '../../src/draft/source.ts';
import { type ModelNode, ModelStore } from '../../src/draft/stores/model-store.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import { turnOf } from '../support/turn.ts';
import { ScriptedNetwork } from './scripted-network.ts';

const VOCAB = 20;
const PLAIN = { temperature: 0, noise: null };
/** Logits of which `token` is the likeliest by far. */
const sure = (token: number) => new Float32Array(VOCAB).fill(-9).fill(9, token, token + 1);
const says = (token: number): ModelDistribution => ({
  tokens: Int32Array.of(token),
  probs: Float32Array.of(1),
});
const limits = {
  vocabSize: VOCAB,
  promptPlaces: 2,
  maxContext: 2048,
  maxRows: 40,
  prefillRows: 8,
  slots: 1,
  quickTop: true,
  exact: true,
};
const paying: Terms = { affords: () => true, tokenMs: 10 };

function prompting(terms: Terms | null = paying, places = 2): Prompting {
  const own = new Prompting(places, PLAIN, new PromptWorth());
  own.offer(terms);
  return own;
}

/** A step that grows by `rowMs` a row. */
function growing(rowMs: number) {
  const step = {
    cost: 20,
    add: () => {
      step.cost += rowMs;
    },
  };
  return { step, index: 0 };
}

/** A root, its likely child, a child of that, and an unlikely sibling. */
function smallTree(): TokenTree {
  const tree = new TokenTree();
  const child = tree.add(ROOT, 5, 0.9, Source.prompt);
  tree.add(child, 6, 0.2, Source.prompt);
  tree.add(ROOT, 7, 0.004, Source.prompt);
  return tree;
}

/** A row that holds the tree, after `length` tokens. */
function rowOf(tree: TokenTree, length = 10, capacity = 2000): StepRow {
  const row = rowWithRoom({ length, capacity, cached: 0 }, 65);
  row.count = tree.size + 1;
  for (let i = 0; i < tree.size; i++) {
    row.tokens[i + 1] = tree.tokens[i]!;
    row.parents[i + 1] = tree.parents[i]! + 1;
  }
  return row;
}

const added = (row: StepRow, tree: TokenTree) =>
  [...row.tokens.subarray(tree.size + 1, row.count)].map((token, i) => [
    token,
    row.parents[tree.size + 1 + i],
  ]);

describe('rows of prompt tokens', () => {
  const tree = smallTree();

  test('stand behind the rows that a step is likeliest to end at, each behind the one before', () => {
    const row = rowOf(tree);
    new PromptRows(prompting(), limits).add(row, tree, growing(0));
    // The child (0.7), its child (0.2), the root (0.096); hardly ever the sibling.
    expect(added(row, tree)).toEqual([
      [VOCAB, 1],
      [VOCAB + 1, 4],
      [VOCAB, 2],
      [VOCAB + 1, 6],
      [VOCAB, 0],
      [VOCAB + 1, 8],
    ]);
  });

  test('are as many as are worth their time, and none without an offer or terms', () => {
    const count = (own: Prompting, rowMs: number | null) => {
      const [row, rows] = [rowOf(tree), new PromptRows(own, limits)];
      rows.add(row, tree, rowMs === null ? null : growing(rowMs));
      expect(rows.ms).toBeCloseTo((rowMs ?? 0) * added(row, tree).length);
      return added(row, tree).length;
    };
    // 0.3 tokens of 10 ms each, times 0.7, 0.2 and 0.096.
    expect(count(prompting(), 0.2)).toBe(4);
    expect(count(prompting(), 0.5)).toBe(2);
    expect(count(prompting(), 2)).toBe(0);
    expect(count(prompting({ ...paying, affords: (ms) => ms < 1.1 }), 0.29)).toBe(2);
    expect(count(prompting(null), 0)).toBe(0);
    expect(count(prompting(), null)).toBe(0);
  });

  test('fit into the slot, the step, and the panel of exact attention', () => {
    const count = (row: StepRow, own = limits) => {
      new PromptRows(prompting(), own).add(row, tree, growing(0));
      return added(row, tree).length;
    };
    expect(count(rowOf(tree, 10, 10 + 4 + 5))).toBe(4);
    expect(count(rowOf(tree), { ...limits, maxRows: 4 + 3 })).toBe(2);
    expect(count(rowOf(tree, PANEL_ROWS - 6))).toBe(2);
    expect(count(rowOf(tree, PANEL_ROWS - 2))).toBe(0);
    expect(count(rowOf(tree, PANEL_ROWS - 2), { ...limits, exact: false })).toBe(6);
  });

  test('are heard where the step ended, and nowhere else', () => {
    const [row, own] = [rowOf(tree), prompting()];
    const rows = new PromptRows(own, limits);
    rows.add(row, tree, growing(0));
    row.logits = new Float32Array(VOCAB * row.count);
    for (let i = 0; i < row.count; i++) row.logits.set(sure(i), i * VOCAB);
    own.moved(12);
    rows.hear(row, 3);
    expect(own.foretold).toEqual([]);
    rows.hear(row, 2);
    expect(own.foretold.map(({ tokens }) => tokens[0])).toEqual([6, 7]);
  });
});

describe('what was heard', () => {
  test('holds for its positions as the text goes on', () => {
    const own = prompting(paying, 3);
    own.moved(12);
    own.hear([sure(3), sure(4), sure(5)]);
    const first = () => own.foretold.map(({ tokens }) => tokens[0]);
    expect(first()).toEqual([3, 4, 5]);
    own.moved(13);
    expect(first()).toEqual([4, 5]);
    own.moved(20);
    expect(first()).toEqual([]);
  });

  test('is worth what steps with it owe more than those without, and is tried again after long', () => {
    const worth = new PromptWorth();
    for (let i = 0; i < 200; i++) worth.learn(i % 2 === 0 ? 0.9 : 0.4, i % 2 === 0);
    expect(worth.tokens).toBeCloseTo(0.5, 1);
    for (let i = 0; i < 200; i++) worth.learn(-0.2, true);
    expect(worth.tokens).toBe(0);
    for (let i = 0; i < 600; i++) worth.learn(0, false);
    expect(worth.tokens).toBeGreaterThan(0.2);
  });
});

/** A question of a text's end, with nodes that are a chain. */
async function ask(
  network: Network,
  foretold: ModelDistribution[],
  chain: number[],
  wordTokens = 0,
) {
  const { place, read } = network.enter(Int32Array.of(1, 2, 3), 64, 'a')!;
  const store = new ModelStore({ keeps: false });
  store.place(3);
  const nodes: ModelNode[] = [];
  let parent = store.root;
  for (const token of chain) {
    const node = { token, parent, position: parent.position + 1, children: new Map(), row: -1 };
    nodes.push({ ...node, says: null });
    parent = nodes.at(-1)!;
  }
  const tokens = Int32Array.of(1, 2, 3).subarray(read);
  const rest = { settled: [], states: [], root: store.root, sampling: PLAIN, wordTokens };
  const question: Question = { place, tokens, foretold, nodes, ...rest };
  await network.read([question]);
  return {
    place,
    word: store.root.word,
    said: [store.root, ...nodes].map((node) => node.says?.tokens[0] ?? null),
  };
}

describe('prompt tokens as a network', () => {
  test('say of a node what was foretold for its depth, and nothing beyond', async () => {
    const network = new PromptNetwork('ppd', 3, VOCAB);
    const { place, said } = await ask(network, [says(8), says(9)], [8, 9]);
    expect(said).toEqual([8, 9, null]);
    expect(place.deepest).toBe(1);
    expect(network.plan().cost).toBe(0);
  });

  test('say nothing where nothing was foretold, and then no node is asked about', async () => {
    const { place, said } = await ask(new PromptNetwork('ppd', 3, VOCAB), [], []);
    expect(said).toEqual([null]);
    expect(place.deepest).toBe(-1);
  });

  test('asked as one with another network leave the word to it where they have none', async () => {
    const scripted = new ScriptedNetwork(VOCAB, () => [[4, 1]]);
    const network = new JointNetwork([new PromptNetwork('ppd', 2, VOCAB), scripted]);
    expect(network.promptPlaces).toBe(2);
    const both = await ask(network, [says(4)], [4]);
    expect(both.said).toEqual([4, 4]);
    expect(both.place.deepest).toBe(Number.POSITIVE_INFINITY);
    const { said, word } = await ask(network, [], [4], 8);
    expect(said).toEqual([4, 4]);
    // What moves a target is the others' word.
    expect([...word!.tokens]).toEqual([4]);
  });

  test('draft for a turn what the target foretold, and nothing before it did', async () => {
    const drafters = new NetworkedDrafters(
      [new PromptNetwork('ppd', 2, 1000)],
      { now: () => 0 },
      {
        always: { passes: 3, nodes: 4 },
      },
    );
    const prompt = Int32Array.of(100, 101, 102);
    const seat = drafters.seat(turnOf({ prompt }));
    seat.begin(prompt, []);
    const drawn = async () => {
      await drafters.prepare([seat], 1);
      const [tree, without] = [new TokenTree(), new TokenTree()];
      seat.draft(tree, 8);
      return { tree, without, differs: seat.networked!.draftWithout(without, 8) };
    };
    expect((await drawn()).differs).toBe(false);
    seat.commit(Int32Array.of(103));
    const wide = (token: number) => new Float32Array(1000).fill(-9).fill(9, token, token + 1);
    seat.prompting!.hear([wide(500), wide(501)]);
    const { tree, without, differs } = await drawn();
    expect(differs).toBe(true);
    const first = tree.child(ROOT, 500);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(tree.child(first, 501)).toBeGreaterThanOrEqual(0);
    expect(without.child(ROOT, 500)).toBe(-1);
    drafters.close();
  });

  test('cost nothing any more when the turn has left its network', async () => {
    const always = { passes: 1, nodes: 1 };
    const drafters = new NetworkedDrafters(
      [new PromptNetwork('ppd', 2, 1000)],
      { now: () => 0 },
      { always },
    );
    const prompt = Int32Array.of(100, 101, 102);
    const seat = drafters.seat(turnOf({ prompt }));
    seat.begin(prompt, []);
    await drafters.prepare([seat], 1);
    expect(seat.prompting!.pays(1, 0.1, 0.1)).toBe(true);
    seat.networked!.leave();
    expect(seat.prompting!.pays(1, 0.1, 0.1)).toBe(false);
  });

  test('have no rows beside a turn that insists, where nobody would pay for them', async () => {
    const always = { passes: 1, nodes: 1 };
    const drafters = new NetworkedDrafters(
      [new PromptNetwork('ppd', 2, 1000)],
      { now: () => 0 },
      { always },
    );
    const prompt = Int32Array.of(100, 101, 102);
    const begin = (changes: Partial<Parameters<typeof turnOf>[0]> = {}) => {
      const seat = drafters.seat(turnOf({ prompt, ...changes }));
      seat.begin(prompt, []);
      return seat;
    };
    const seat = begin();
    const moving = begin({ transfer: 0.5, warp: { temperature: 0.8, topK: 0, topP: 1 } });
    await drafters.prepare([seat], 1);
    expect(seat.prompting!.pays(1, 0.1, 0.1)).toBe(true);
    await drafters.prepare([seat, moving], 2);
    expect(seat.prompting!.pays(1, 0.1, 0.1)).toBe(false);
  });

  test('are not read of a turn whose target they would move', () => {
    const drafters = new NetworkedDrafters([new PromptNetwork('ppd', 2, 1000)], { now: () => 0 });
    const warp = { temperature: 0.8, topK: 0, topP: 1 };
    const seat = drafters.seat(turnOf({ prompt: Int32Array.of(1, 2), transfer: 0.5, warp }));
    expect(seat.prompting).toBe(undefined);
  });
});
