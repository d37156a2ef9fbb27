/** Several networks that are asked as one. */
import { describe, expect, test } from 'vitest';
import { JointNetwork } from '../../gpu-backend/drafters/joint-network.ts';
import type { Network, Question } from '../../gpu-backend/drafters/network.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { Noise } from '../../src/draft/noise.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';
import { turnOf } from '../support/turn.ts';
import { ALWAYS, depthOver, right, truth, wrong } from './networked-world.ts';
import { type Script, ScriptedNetwork } from './scripted-network.ts';

const VOCAB = 1000;
const PROMPT = Int32Array.from({ length: 8 }, (_, i) => truth(i));

const node = (token: number, parent: ModelNode | null, position: number): ModelNode => ({
  token,
  parent,
  position,
  children: new Map(),
  row: -1,
  says: null,
});

function asking(
  network: Network,
  tokens: Int32Array,
  root: ModelNode,
  nodes: ModelNode[] = [],
  namespace = 'a',
) {
  const { place, read } = network.enter(tokens, 100, namespace)!;
  const question = (more: Partial<Question>): Question => ({
    place,
    settled: [],
    tokens: tokens.subarray(read),
    states: [],
    foretold: [],
    root,
    nodes,
    sampling: { temperature: 0, noise: null },
    wordTokens: 0,
    ...more,
  });
  return { place, read, question };
}

const percent = (said: ModelNode['says']) =>
  [...said!.tokens].map((token, i) => [token, Math.round(said!.probs[i]! * 100)]);

test('what they say is at first the geometric mean of their probabilities', async () => {
  const networks = [
    new ScriptedNetwork(VOCAB, () => [
      [7, 0.6],
      [8, 0.4],
    ]),
    new ScriptedNetwork(VOCAB - 1, () => [
      [8, 0.7],
      [9, 0.1],
    ]),
  ];
  const joint: Network = new JointNetwork(networks);
  expect(joint.vocabSize).toBe(VOCAB - 1);
  const root = node(PROMPT[7]!, null, 8);
  const { question } = asking(joint, PROMPT, root, [node(7, root, 9)]);
  const asked = question({ wordTokens: 2 });
  await joint.read([asked]);
  for (const one of [root, ...asked.nodes]) {
    // The second one leaves 0.2 to others, and 7 has a share of it; the first leaves 9 nothing.
    expect(percent(one.says)).toEqual([
      [8, 96],
      [7, 4],
      [9, 0],
    ]);
    expect(percent(one.word!)).toEqual([
      [8, 96],
      [7, 4],
    ]);
  }
});

describe('what came says whose word counts', () => {
  const isRight = (said: ModelNode['says'], position: number) =>
    said!.probs[said!.tokens.indexOf(truth(position))]!;

  test('where text is read anew', async () => {
    const joint: Network = new JointNetwork(
      [right, wrong].map((script) => new ScriptedNetwork(VOCAB, script)),
    );
    let root = node(PROMPT[7]!, null, 8);
    const { question } = asking(joint, PROMPT, root);
    await joint.read([question({ root })]);
    expect(isRight(root.says, 8)).toBeCloseTo(0.515);
    for (let position = 9; position < 20; position++) {
      root = node(truth(position - 1), null, position);
      await joint.read([question({ tokens: Int32Array.of(root.token), root })]);
    }
    expect(isRight(root.says, 19)).toBeGreaterThan(0.8);
  });

  test('but not of text that goes beyond what was asked about', async () => {
    const scripts = [right, wrong].map((script) => new ScriptedNetwork(VOCAB, script));
    const joint: Network = new JointNetwork(scripts);
    const root = node(PROMPT[7]!, null, 8);
    const { question } = asking(joint, PROMPT, root);
    await joint.read([question({ root })]);
    await joint.read([question({ tokens: Int32Array.of(3, 4), root: null })]);
    // What the second network said would come after the root, two tokens late.
    const [wrongly] = wrong([], 8)[0]!;
    const last = node(wrongly, null, 11);
    await joint.read([question({ tokens: Int32Array.of(wrongly), root: last })]);
    expect(isRight(last.says, 11)).toBeCloseTo(0.515);
  });

  test('where nodes are kept, and comes back to one that was wrong', async () => {
    const isLate = (position: number) => position > 60;
    const scripts: Script[] = [
      (path, position) => (isLate(position) ? wrong : right)(path, position),
      (path, position) => (isLate(position) ? right : wrong)(path, position),
    ];
    const joint: Network = new JointNetwork(
      scripts.map((script) => new ScriptedNetwork(VOCAB, script)),
    );
    let root = node(PROMPT[7]!, null, 8);
    const { question } = asking(joint, PROMPT, root);
    await joint.read([question({ root })]);
    const said: number[] = [];
    for (let position = 8; position < 160; position++) {
      const next = node(truth(position), root, position + 1);
      root.children.set(next.token, next);
      const nothing = new Int32Array(0);
      const settled = position === 8 ? [] : [0];
      await joint.read([question({ tokens: nothing, settled, root, nodes: [next] })]);
      root = next;
      said[position + 1] = isRight(next.says, position + 1);
    }
    expect(said[59]).toBeGreaterThan(0.8);
    expect(said[61]).toBeLessThan(0.1);
    expect(said[159]).toBeGreaterThan(0.6);
  });
});

test('a namespace keeps what it learned, apart from others and from what is drawn', async () => {
  const joint: Network = new JointNetwork(
    [right, wrong].map((script) => new ScriptedNetwork(VOCAB, script)),
  );
  let root = node(PROMPT[7]!, null, 8);
  const { question } = asking(joint, PROMPT, root);
  for (let position = 8; position < 20; position++) {
    root = node(truth(position - 1), null, position);
    await joint.read([question({ tokens: Int32Array.of(root.token), root })]);
  }
  const first = async (namespace: string, noise: Noise | null) => {
    const root = node(PROMPT[7]!, null, 8);
    const { question } = asking(joint, PROMPT, root, [], namespace);
    await joint.read([question({ sampling: { temperature: 0.8, noise } })]);
    return root.says!.probs[root.says!.tokens.indexOf(truth(8))]!;
  };
  expect(await first('a', null)).toBeGreaterThan(0.8);
  expect(await first('b', null)).toBeCloseTo(0.515);
  expect(await first('a', new Noise([1, 2]))).toBeCloseTo(0.515);
});

describe('beside one that reads states, others read ahead', () => {
  /** One that reads states, and one that does not, asked in this order. */
  function pair(leads: Script, follows: Script) {
    const [follower, leader] = [follows, leads].map((one) => new ScriptedNetwork(VOCAB, one));
    Object.assign(leader!, { readsStates: true });
    const joint: Network = new JointNetwork([follower!, leader!]);
    const asked = ({ runs }: ScriptedNetwork) =>
      runs.map(([question]) => question!.nodes.map(({ token }) => token));
    return { joint, leader: leader!, follower: follower!, asked };
  }

  test('what it has just named, and not again', async () => {
    const { joint, leader, follower, asked } = pair(
      (path) => [
        [path.length === 0 ? 5 : 7, 0.6],
        [6, 0.3],
      ],
      () => [[9, 0.8]],
    );
    const root = node(PROMPT[7]!, null, 8);
    const { question } = asking(joint, PROMPT, root);
    await joint.read([question({ wordTokens: 2 })]);
    expect(asked(leader)).toEqual([[]]);
    expect(asked(follower)).toEqual([[5, 6]]);
    const five = root.children.get(5)!;
    // The target is moved by what all say, or not at all.
    expect([root.word?.tokens.length, five.word]).toEqual([2, undefined]);
    expect(five).toMatchObject({ partly: true, position: 9 });
    expect(percent(five.says)).toEqual([[9, 100]]);

    await joint.read([question({ tokens: new Int32Array(0), nodes: [five] })]);
    expect(asked(leader)).toEqual([[], [5]]);
    expect(asked(follower)).toEqual([
      [5, 6],
      [7, 6],
    ]);
    expect(five.partly).toBe(false);
    expect([...five.says!.tokens].sort()).toEqual([6, 7, 9]);
    expect([...five.children.keys()]).toEqual([7, 6]);
  });

  test('unless their room ends', async () => {
    const { joint, follower, asked } = pair(right, right);
    const enter = follower.enter.bind(follower);
    follower.enter = () => ({ ...enter(), place: { room: 80, rows: 0, deepest: 9 } });
    const root = node(PROMPT[7]!, null, 8);
    const { question } = asking(joint, PROMPT, root);
    await joint.read([question({})]);
    expect(asked(follower)).toEqual([[]]);
  });

  test('so a tree is a token deeper for as many passes', async () => {
    const { joint, leader, follower } = pair(right, right);
    expect([await depthOver(leader, PROMPT), await depthOver(joint, PROMPT)]).toEqual([4, 5]);
    const read = follower.runs.flatMap(([question]) => question!.nodes);
    const twice = read.filter(({ token, parent }, i) =>
      read.slice(0, i).some((one) => one.token === token && one.parent === parent),
    );
    expect(twice).toEqual([]);
  });
});

test('a network that has read more of the text is not told it again', async () => {
  const ahead = new ScriptedNetwork(VOCAB, right);
  const enter = ahead.enter.bind(ahead);
  ahead.enter = () => ({ ...enter(), read: 5 });
  const behind = new ScriptedNetwork(VOCAB, right);
  const joint: Network = new JointNetwork([ahead, behind]);
  const root = node(PROMPT[7]!, null, 8);
  const { read, question } = asking(joint, PROMPT, root);
  expect(read).toBe(0);
  await joint.read([question({ tokens: PROMPT.subarray(0, 4), root: null })]);
  await joint.read([question({ tokens: PROMPT.subarray(4) })]);
  const told = ({ runs }: ScriptedNetwork) => runs.map(([one]) => [...one!.tokens]);
  // It has nothing to read of the first four.
  expect(told(ahead)).toEqual([[...PROMPT.subarray(5)]]);
  expect(told(behind)).toEqual([[...PROMPT.subarray(0, 4)], [...PROMPT.subarray(4)]]);
  expect(root.says!.tokens[0]).toBe(truth(8));
});

test('states go to those that read them', async () => {
  const [reader, other] = [new ScriptedNetwork(VOCAB, right), new ScriptedNetwork(VOCAB, right)];
  Object.assign(reader, { readsStates: true });
  const joint: Network = new JointNetwork([reader, other]);
  expect(joint.readsStates).toBe(true);
  const root = node(PROMPT[7]!, null, 8);
  const states = [...PROMPT].map((token) => Float32Array.of(token));
  const { question } = asking(joint, PROMPT, root);
  await joint.read([question({ states })]);
  expect(reader.runs[0]![0]!.states).toEqual(states);
  expect(other.runs[0]![0]!.states).toEqual([]);
});

test('where one has no place left, the others keep none', () => {
  const [first, full] = [new ScriptedNetwork(VOCAB, right), new ScriptedNetwork(VOCAB, right)];
  full.enter = () => null as never;
  const joint: Network = new JointNetwork([first, full]);
  expect(joint.enter(PROMPT, 100, 'a')).toBeNull();
  expect(first.places).toBe(0);
});

test('a pass takes the time of all, and closing closes all', () => {
  const networks = [new ScriptedNetwork(VOCAB, right), new ScriptedNetwork(VOCAB, right)];
  const joint: Network = new JointNetwork(networks);
  const { place } = joint.enter(PROMPT, 100, 'a')!;
  const step = joint.plan([place]);
  expect(step.cost).toBeCloseTo(2.02);
  step.add(0);
  expect(step.cost).toBeCloseTo(2.04);
  joint.leave(place);
  joint.close();
  expect(networks.map(({ places, closed }) => [places, closed])).toEqual([
    [0, true],
    [0, true],
  ]);
});

test.each([false, true])('committed nodes are kept by row, or read anew: %s', async (reads) => {
  const networks = [new ScriptedNetwork(VOCAB, right), new ScriptedNetwork(VOCAB, wrong)];
  Object.assign(networks[0]!, { readsStates: reads });
  const drafters = new NetworkedDrafters([new JointNetwork(networks)], { now: () => 0 }, ALWAYS);
  const seat = drafters.seat(turnOf({ prompt: PROMPT }));
  seat.begin(PROMPT, []);
  await drafters.prepare([seat], 1);
  const committed = [truth(8), truth(9)];
  const kept = networks.map(({ runs }) => {
    const nodes = runs.flatMap(([question]) => question!.nodes);
    return committed.map((token, i) => nodes.find((one) => isAt(one, token, 9 + i))!.row);
  });
  seat.commit(Int32Array.from(committed));
  for (const { runs } of networks) runs.length = 0;
  await drafters.prepare([seat], 1);
  for (const [i, { runs }] of networks.entries()) {
    const { settled, tokens } = runs[0]![0]!;
    expect([...settled]).toEqual(reads ? [] : kept[i]);
    expect([...tokens]).toEqual(reads ? committed : []);
  }
});

function isAt(node: ModelNode, token: number, position: number): boolean {
  return node.token === token && node.position === position;
}
