/** How a turn asks a store that lives elsewhere: seldom, one question at a time, and never waiting. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Source } from '../../src/draft/source.ts';
import type { Span } from '../../src/draft/stores/span-store.ts';
import {
  changesBetween,
  freshState,
  WORKER_STORES,
} from '../../src/memory/objects/mixer-weights.ts';
import { AskedStore, MAX_ASKS, MAX_FETCHED } from '../../src/memory/turn/asked-store.ts';
import { SharedMixer } from '../../src/memory/turn/shared-mixer.ts';
import type { KeptRange, KeptRun } from '../../src/store/objects/memory.ts';

const tail = () => Int32Array.of(1, 2, 3);
const run = (unit: number, ...tokens: number[]): KeptRun => ({
  unit,
  from: 0,
  tokens: Int32Array.from(tokens),
});

/** A store whose answers the test gives, in the order of the questions. */
function newStore() {
  const questions: { held: readonly KeptRange[]; answer(runs: KeptRun[]): void; fail(): void }[] =
    [];
  const arrived: Span[] = [];
  const store = new AskedStore(
    Source.tenant,
    'T',
    (_, held) =>
      new Promise((resolve, reject) => {
        questions.push({ held, answer: resolve, fail: () => reject(new Error('it is away')) });
      }),
    (runs) => arrived.push(...runs),
  );
  return { store, questions, arrived };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

test('one question is in flight, and what came is named in the next', async () => {
  const { store, questions, arrived } = newStore();
  store.follow(tail);
  store.follow(tail);
  expect(questions).toHaveLength(1);
  questions[0]!.answer([run(5, 7, 8), run(6, 9)]);
  await settled();
  expect(arrived.map(({ source, tokens }) => [source, ...tokens])).toEqual([
    [Source.tenant, 7, 8],
    [Source.tenant, 9],
  ]);
  store.follow(tail);
  expect(questions[1]!.held).toEqual([
    { unit: 5, from: 0, to: 2 },
    { unit: 6, from: 0, to: 1 },
  ]);
  questions[1]!.answer([run(5, 7, 8), run(8)]);
  await settled();
  expect(arrived).toHaveLength(2);
  store.follow(tail);
  questions[2]!.answer([{ unit: 5, from: 1, tokens: Int32Array.of(8, 3) }]);
  await settled();
  expect(arrived.slice(2)).toEqual([
    { source: Source.tenant, begins: false, tokens: Int32Array.of(8, 3) },
  ]);
});

test('an end of one token is not asked', () => {
  const { store, questions } = newStore();
  store.follow(() => Int32Array.of(1));
  expect(questions).toHaveLength(0);
});

test('a store that fails is not asked again, and the turn hears nothing of it', async () => {
  const { store, questions, arrived } = newStore();
  store.follow(tail);
  questions[0]!.fail();
  await settled();
  store.follow(tail);
  expect(questions).toHaveLength(1);
  expect(arrived).toEqual([]);
  expect(store.observations()).toEqual([
    {
      name: 'espalier_draft_memory_asks_total',
      labels: { store: 'T', outcome: 'failed' },
      value: 1,
    },
  ]);
});

test('a question that throws at once is one that failed', async () => {
  const store = new AskedStore(
    Source.corpus,
    'S',
    () => {
      throw new Error('no such binding');
    },
    () => {},
  );
  expect(() => store.follow(tail)).not.toThrow();
  await settled();
  expect(store.observations()).toMatchObject([{ labels: { outcome: 'failed' }, value: 1 }]);
});

test('a store whose answer can not be used has not failed, and is asked again', async () => {
  const store = new AskedStore(
    Source.tenant,
    'T',
    async () => [run(1, 7, 8)],
    () => {
      throw new Error('the link is closed');
    },
  );
  store.follow(tail);
  await settled();
  store.follow(tail);
  await settled();
  expect(store.observations()).toContainEqual({
    name: 'espalier_draft_memory_asks_total',
    labels: { store: 'T', outcome: 'answered' },
    value: 2,
  });
  expect(JSON.stringify(store.observations())).not.toContain('failed');
  expect(console.error).toHaveBeenCalledWith(expect.stringContaining('draft_memory_unused'));
});

test('a store that never answers costs one question, which is counted as late', () => {
  const { store, questions } = newStore();
  for (let i = 0; i < 100; i++) store.follow(tail);
  expect(questions).toHaveLength(1);
  expect(store.observations()).toMatchObject([{ labels: { outcome: 'late' }, value: 1 }]);
});

test('a turn asks so many questions and no more', async () => {
  const { store, questions } = newStore();
  for (let i = 0; i < MAX_ASKS + 10; i++) {
    store.follow(tail);
    questions.at(-1)!.answer([]);
    await settled();
  }
  expect(questions).toHaveLength(MAX_ASKS);
});

test('a turn fetches so many runs and no more', async () => {
  const { store, questions } = newStore();
  store.follow(tail);
  questions[0]!.answer(Array.from({ length: MAX_FETCHED }, (_, i) => run(i, i)));
  await settled();
  store.follow(tail);
  expect(questions).toHaveLength(1);
});

test('a mixer keeps what it learned while the kept weights were on their way, and sends it once', () => {
  const shared = new SharedMixer(WORKER_STORES);
  expect(shared.wantsState(0)).toBe(true);
  shared.mixer.weights[3]! += 0.25;
  const kept = freshState();
  kept.weights[3] = 1;
  kept.weights[4] = -1;
  shared.receive(kept, 0);
  expect(shared.wantsState(1)).toBe(false);
  expect([shared.mixer.weights[3], shared.mixer.weights[4]]).toEqual([1.25, -1]);
  const sent = shared.takeChanges();
  expect([[...sent.at], [...sent.weights]]).toEqual([[3], [0.25]]);
  expect(shared.takeChanges().at).toHaveLength(0);
});

test('changes are what lies between two states', () => {
  const [from, to] = [freshState(), freshState()];
  to.weights[7] = 0.5;
  to.energy[9]! += 2;
  const { at, size } = changesBetween(from, to);
  expect([...at]).toEqual([7, 9]);
  expect(size).toBe(from.weights.length);
});
