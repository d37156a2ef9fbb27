/** A network that reads the target's hidden states gets those behind just the tokens before the ones it reads. */
import { expect, test } from 'vitest';
import { Decoder } from '../../bench/drafters/decode.ts';
import { countingClock, withFreeNodes } from '../../bench/drafters/free-nodes.ts';
import { Nucleus } from '../../gpu-backend/accept/warp.ts';
import { NetworkedDrafters } from '../../gpu-backend/drafters/networked-drafters.ts';
import { StateMemory } from '../../gpu-backend/drafters/state-memory.ts';
import type { TargetStates } from '../../gpu-backend/drafters/target-states.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { nodeClock } from '../../gpu-backend/link/node-clock.ts';
import { chainRow, maxDifference } from '../engine/driver.ts';
import { SMALL, temporaryFolder } from '../engine/models.ts';
import { turnOf } from '../support/turn.ts';
import { ScriptedNetwork, type ScriptedQuestion } from './scripted-network.ts';

const PROMPT = Array.from({ length: 90 }, (_, i) => (i * 31) % 96);
const ANSWER = 30;

/** Keeps what it is told of the committed text. */
class Reader extends ScriptedNetwork {
  override readonly readsStates = true;
  readonly tokens: number[] = [];
  readonly states: (Float32Array | null)[] = [];

  override async read(questions: readonly ScriptedQuestion[]): Promise<void> {
    await super.read(questions);
    for (const { tokens, states } of questions) {
      this.tokens.push(...tokens);
      this.states.push(...states);
    }
  }
}

test('the states are those of the tokens before, of the whole answer and the end of the prompt', async () => {
  const { engine, reader, drafters, decoder } = await world();
  const turn = turnOf({ prompt: Int32Array.from(PROMPT), maxTokens: ANSWER });
  const { tokens } = await decoder.decode(turn, drafters.seat(turn));
  await decoder.close();

  const text = [...PROMPT, ...tokens];
  // Every committed token is read, in order, once; what the last step brought is not read any more.
  expect(reader.tokens).toEqual(text.slice(0, reader.tokens.length));
  expect(reader.tokens.length).toBeGreaterThan(PROMPT.length + ANSWER / 2);
  const slot = engine.acquire(Int32Array.from(text), 140, 'reference')!;
  const row = chainRow(slot, text);
  await engine.step([row]);
  // The network is asked when a first step has shown what time is worth.
  const unknown = PROMPT.length - 1 - statesOf([]).wanted;
  for (const [i, state] of reader.states.entries()) {
    if (i - 1 < unknown) expect(state).toBeNull();
    else {
      const own = row.hidden!.subarray((i - 1) * 32, i * 32);
      expect(maxDifference(state!, own)).toBeLessThan(1e-5);
    }
  }
  engine.close();
});

test('states are copied, and those far back are forgotten', () => {
  const states = statesOf([0]);
  for (let position = 0; position < 200; position++) give(states, position);
  expect(states.before(199, 3).map((state) => state?.[0])).toEqual([198, 199, undefined]);
  expect(states.before(200 - states.wanted, 1)).toEqual([null]);
  expect(states.before(201 - states.wanted, 1)).not.toEqual([null]);
});

test('a turn whose prompt the engine has in its cache reads the same states', async () => {
  const { engine, reader, drafters, decoder } = await world();
  const ask = async () => {
    reader.states.length = 0;
    const turn = turnOf({ prompt: Int32Array.from(PROMPT), maxTokens: ANSWER });
    await decoder.decode(turn, drafters.seat(turn));
    return reader.states.slice(0, PROMPT.length);
  };
  const first = await ask();
  expect(first.filter((state) => state).length).toBeGreaterThan(60);
  expect(await ask()).toEqual(first);
  await decoder.close();
  engine.close();
});

test('two choices of one request both read the states of its prompt', async () => {
  const { engine, reader, drafters, decoder } = await world();
  const ask = (seed: [number, number]) => {
    const warp = { temperature: 1, topK: 0, topP: 1 };
    const turn = turnOf({ prompt: Int32Array.from(PROMPT), maxTokens: ANSWER, seed, warp });
    return decoder.decode(turn, drafters.seat(turn));
  };
  await Promise.all([ask([1, 1]), ask([2, 2])]);
  const [first, second] = reader.runs[0]!.map(({ states }) => states);
  // It reads the prompt in two runs.
  expect(first!.filter((state) => state).length).toBeGreaterThan(30);
  expect(second).toEqual(first);
  await decoder.close();
  engine.close();
});

test('states are taken over behind the same tokens of the same namespace alone', () => {
  const memory = new StateMemory();
  const open = (namespace: string, tokens: number[]) => {
    const states = memory.open(
      { namespace, remember: namespace !== 'forgetful' },
      Int32Array.from(tokens),
    );
    states.begin(tokens.length);
    return states;
  };
  const first = open('a', [5, 6, 7, 8, 9]);
  for (let position = 0; position < 5; position++) give(first, position);
  const like = open('a', [5, 6, 7, 1, 2]);
  like.recall();
  expect(like.before(1, 5).map((state) => state?.[0])).toEqual([0, 1, 2, undefined, undefined]);
  const foreign = open('b', [5, 6, 7, 1, 2]);
  foreign.recall();
  expect(foreign.before(1, 5)).toEqual([null, null, null, null, null]);
  // Nor where a turn is to leave nothing and take nothing.
  const forgetful = open('forgetful', [5, 6, 7, 1, 2]);
  for (let position = 0; position < 5; position++) give(forgetful, position);
  const after = open('forgetful', [5, 6, 7, 1, 2]);
  after.recall();
  expect(after.before(1, 5)).toEqual([null, null, null, null, null]);
});

/** Of a turn with this prompt, alone. */
function statesOf(prompt: number[]): TargetStates {
  const states = new StateMemory().open(
    { namespace: 'alone', remember: true },
    Int32Array.from(prompt),
  );
  states.begin(prompt.length);
  return states;
}

/** A state that names its position, in memory that is overwritten. */
function give(states: TargetStates, position: number): void {
  const view = Float32Array.of(position);
  states.take(position, view);
  view[0] = -1;
}

async function world() {
  const options = { slots: 2, maxContext: 160, threads: 1, hiddenOutput: true };
  const engine = await openEngine(SMALL, { ...options, cacheFolder: temporaryFolder() });
  const reader = new Reader(96, () => [
    [7, 0.6],
    [3, 0.2],
  ]);
  const drafters = new NetworkedDrafters([reader], nodeClock, { always: { passes: 2, nodes: 6 } });
  const decoder = new Decoder(withFreeNodes(engine), new Nucleus(96), countingClock(), drafters);
  return { engine, reader, drafters, decoder };
}
