/** Hydra's heads as a network: which head is asked what of which session, and no node deeper than they reach. */
import { expect, test, vi } from 'vitest';
import { HydraNetwork } from '../../gpu-backend/drafters/hydra-network.ts';
import { JointNetwork } from '../../gpu-backend/drafters/joint-network.ts';
import type { Network, Question } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import type { HeadRow, Heads } from '../../gpu-backend/engine/draft-heads.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import { turnOf } from '../support/turn.ts';
import { ALWAYS, depthOver, right, truth } from './networked-world.ts';
import { ScriptedNetwork } from './scripted-network.ts';

const VOCAB = 1000;
const PROMPT = Int32Array.from({ length: 8 }, (_, i) => truth(i));
const NONE = new Int32Array(0);

/** Heads that say that the sum of a row's tokens comes next, and remember what they were asked. */
class ScriptedHeads implements Heads {
  readonly places: number;
  readonly vocabulary = null;
  readonly runs: { state: Float32Array | null; tokens: number[] }[][] = [];
  closed = false;

  constructor(places: number) {
    this.places = places;
  }

  async run(rows: readonly HeadRow[]): Promise<void> {
    this.runs.push(
      rows.map(({ state, tokens, count }) => ({ state, tokens: [...tokens.subarray(0, count)] })),
    );
    for (const row of rows) {
      const sum = row.tokens.subarray(0, row.count).reduce((a, b) => a + b);
      row.logits = new Float32Array(VOCAB);
      row.logits[sum % VOCAB] = 8;
    }
  }

  cost(rows: number): number {
    return 1 + 0.1 * rows;
  }

  close(): void {
    this.closed = true;
  }
}

const node = (token: number, parent: ModelNode | null, position: number): ModelNode => ({
  token,
  parent,
  position,
  children: new Map(),
  row: -1,
  says: null,
});

function asking(network: Network, tokens: Int32Array, root: ModelNode) {
  const { place, read } = network.enter(tokens, 100, 'a')!;
  const question = (more: Partial<Question>): Question => ({
    place,
    settled: [],
    tokens: tokens.subarray(read),
    states: [...tokens.subarray(read)].map((token) => Float32Array.of(token)),
    foretold: [],
    root,
    nodes: [],
    sampling: { temperature: 0, noise: null },
    wordTokens: 0,
    ...more,
  });
  return { place, read, question };
}

test('each node is asked of the head for its depth, from the state before the last token, several sessions at once', async () => {
  const heads = new ScriptedHeads(3);
  const network: Network = new HydraNetwork('hydra', heads, VOCAB);
  const roots = [node(4, null, 3), node(9, null, 5)];
  const sessions = [Int32Array.of(2, 3, 4), Int32Array.of(8, 9)].map((text, i) =>
    asking(network, text, roots[i]!),
  );
  expect(sessions[0]!.place.deepest).toBe(2);
  // Only the last token is of use to it.
  expect(sessions.map(({ read }) => read)).toEqual([2, 1]);
  const five = node(5, roots[0]!, 4);
  const six = node(6, five, 5);
  await network.read([
    sessions[0]!.question({ nodes: [five, six], wordTokens: 2 }),
    sessions[1]!.question({ states: [null] }),
  ]);
  const state = Float32Array.of(4);
  expect(heads.runs).toEqual([
    [
      { state, tokens: [4] },
      { state, tokens: [4, 5] },
      { state, tokens: [4, 5, 6] },
      { state: null, tokens: [9] },
    ],
  ]);
  const said = [roots[0]!, five, six, roots[1]!].map(({ says }) => says!.tokens[0]);
  expect(said).toEqual([4, 9, 15, 9]);
  expect([six.word!.tokens.length, roots[1]!.word]).toEqual([2, undefined]);

  // Later nodes of the one, while the other has committed two tokens.
  heads.runs.length = 0;
  const next = node(7, null, 7);
  await network.read([
    sessions[0]!.question({ tokens: NONE, states: [], nodes: [node(50, five, 5)] }),
    sessions[1]!.question({
      tokens: Int32Array.of(1, 7),
      states: [null, Float32Array.of(0.5)],
      root: next,
    }),
  ]);
  expect(heads.runs[0]).toEqual([
    { state, tokens: [4, 5, 50] },
    { state: Float32Array.of(0.5), tokens: [7] },
  ]);
  expect(next.says!.tokens[0]).toBe(7);
});

test('a chunk of a text asks nothing, and a node that is too deep is refused', async () => {
  const heads = new ScriptedHeads(2);
  const network: Network = new HydraNetwork('hydra', heads, VOCAB);
  const root = node(4, null, 3);
  const { question } = asking(network, Int32Array.of(2, 4), root);
  await network.read([question({ root: null })]);
  expect(heads.runs).toEqual([]);
  const child = node(5, root, 4);
  const deep = node(6, child, 5);
  await expect(network.read([question({ nodes: [deep] })])).rejects.toThrow(/depth 2 .* 2 heads/);
});

test('what a run was asked about is not held on to: a turn may have ended', async () => {
  const heads = new ScriptedHeads(2);
  const run = vi.spyOn(heads, 'run');
  const network: Network = new HydraNetwork('hydra', heads, VOCAB);
  const { question } = asking(network, Int32Array.of(2, 4), node(4, null, 3));
  await network.read([question({})]);
  expect(heads.runs[0]![0]!.state).not.toBeNull();
  expect(run.mock.calls[0]![0][0]!.state).toBeNull();
});

test('a pass takes what the heads expect of its rows, and closing closes them', () => {
  const heads = new ScriptedHeads(2);
  const network = new HydraNetwork('hydra', heads, VOCAB);
  const { place } = network.enter(PROMPT);
  const step = network.plan([place, place]);
  expect(step.cost).toBeCloseTo(1.2);
  step.add(0);
  expect(step.cost).toBeCloseTo(1.3);
  network.close();
  expect(heads.closed).toBe(true);
});

test('beside another network a node may be asked of them whose parent only that one has read', async () => {
  const heads = new ScriptedHeads(3);
  const other = new ScriptedNetwork(VOCAB, () => [[9, 0.9]]);
  const joint: Network = new JointNetwork([other, new HydraNetwork('hydra', heads, VOCAB)]);
  const root = node(4, null, 3);
  const { question } = asking(joint, Int32Array.of(2, 3, 4), root);
  await joint.read([question({})]);
  // What the heads named is read ahead.
  const ahead = root.children.get(4)!;
  expect(ahead.partly).toBe(true);
  const below = node(9, ahead, 5);
  await joint.read([question({ tokens: NONE, states: [], nodes: [below] })]);
  expect(heads.runs.at(-1)).toMatchObject([{ tokens: [4, 4, 9] }]);
  expect(below.partly).toBe(false);
});

const depthsAsked = ({ runs }: ScriptedNetwork) =>
  runs.flatMap(([question]) => question!.nodes.map(({ position }) => position - 8));

test('a seat asks the root and what text has drafted behind it at once', async () => {
  const heads = new ScriptedHeads(3);
  const drafters = new NetworkedDrafters(
    [new HydraNetwork('hydra', heads, VOCAB)],
    { now: () => 0 },
    ALWAYS,
  );
  const prompt = Int32Array.of(1, 2, 3, 4, 5, 6, 1, 2, 3);
  const seat = drafters.seat(turnOf({ prompt }));
  seat.begin(prompt, []);
  await drafters.prepare([seat], 1);
  const first = heads.runs[0]!.map(({ tokens }) => tokens);
  expect(first).toContainEqual([3]);
  expect(first).toContainEqual([3, 4]);
  expect(first).toContainEqual([3, 4, 5]);
  expect(Math.max(...first.map(({ length }) => length))).toBe(3);
});

test('a seat is behind by the last token alone, however many were committed', async () => {
  const heads = new ScriptedHeads(3);
  const network: Network = new HydraNetwork('hydra', heads, VOCAB);
  const drafters = new NetworkedDrafters([network], { now: () => 0 }, ALWAYS);
  const seat = drafters.seat(turnOf({ prompt: PROMPT }));
  seat.begin(PROMPT, []);
  await drafters.prepare([seat], 1);
  seat.commit(Int32Array.of(900, 901, 902));
  expect(seat.networked!.enter()).toBe(true);
  expect(seat.networked!.behind).toBe(1);
  heads.runs.length = 0;
  await drafters.prepare([seat], 1);
  expect(heads.runs[0]![0]!.tokens).toEqual([902]);
});

function reaching(deepest: number, readsStates: boolean): ScriptedNetwork {
  return Object.assign(new ScriptedNetwork(VOCAB, right), { deepest, readsStates });
}

test('a seat asks no node that is deeper than its network reaches', async () => {
  const shallow = reaching(1, true);
  expect(await depthOver(shallow, PROMPT)).toBe(2);
  expect(Math.max(...depthsAsked(shallow))).toBe(1);
});

test.each([true, false])(
  'of several, those that reach deeper go on alone; they read states too: %s',
  async (readsStates) => {
    const alone = await depthOver(reaching(Number.POSITIVE_INFINITY, readsStates), PROMPT);
    const shallow = reaching(1, true);
    const deep = reaching(Number.POSITIVE_INFINITY, readsStates);
    const joint: Network = new JointNetwork([shallow, deep]);
    expect(await depthOver(joint, PROMPT)).toBeGreaterThanOrEqual(readsStates ? alone : 4);
    expect(Math.max(...depthsAsked(shallow))).toBe(1);
    const asked = depthsAsked(deep);
    expect(Math.max(...asked)).toBeGreaterThan(2);
    // Nothing is asked twice for want of an answer that never comes.
    const nodes = deep.runs.flatMap(([question]) => question!.nodes);
    const twice = nodes.filter(({ token, parent }, i) =>
      nodes.slice(0, i).some((one) => one.token === token && one.parent === parent),
    );
    expect(twice).toEqual([]);
  },
);
