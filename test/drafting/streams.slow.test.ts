/**
 * Drafting never makes answers slower for long: with steps of real models' shapes,
 * at one to sixteen streams, whatever the verifier believes at its start about what
 * steps cost and however good the drafts are. Through the worker's and the
 * verifier's own code on a virtual clock.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Recording, readRecordings } from '../../bench/rtt/recording.ts';
import { CostModel, type RunCosts } from '../../gpu-backend/engine/cost-model.ts';
import { seeded } from '../../sim/random.ts';
import { type Progress, rate, runStreams, timesOf } from '../../sim/streams.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import { TurnDrafter } from '../../src/memory/turn/turn-drafter.ts';

/** Milliseconds by rows, measured: two models of 4 bits on two cores, and a GPU. */
const SHAPES = {
  SmolLM2: timesOf([
    [2, 20],
    [4, 24],
    [8, 37],
    [16, 58],
    [32, 108],
  ]),
  Qwen: timesOf([
    [2, 38],
    [4, 62],
    [8, 105],
    [16, 187],
    [32, 347],
  ]),
  GPU: timesOf([
    [2, 25],
    [128, 27],
    [256, 50],
  ]),
};

/** What timing the engine at its start found. */
const STARTS: Record<string, (rows: number, times: (rows: number) => number) => number> = {
  right: (rows, times) => times(rows),
  flat: () => 114,
  falling: (rows) => 200 / rows,
  steep: (rows) => 20 * rows,
  inflated: (rows, times) => 10 * times(rows),
};

const LOADS = [1, 4, 16];
const TOKENS = 2_000;
/** Steps with which a start may be wrong. */
const LEARNING = 48;
/** What drafting may cost where it brings nothing. */
const LEAST = 0.98;

const random = seeded(9);
const VOCAB = 200;
const draw = (length: number) => Int32Array.from({ length }, () => Math.floor(random() * VOCAB));
/** Nothing of it can be foreseen. */
const NOISE: Recording = {
  name: 'noise',
  vocabSize: VOCAB,
  turns: Array.from({ length: 40 }, () => ({ prompt: draw(200), regions: [], answer: draw(80) })),
};
const DOCS = readRecordings(join(import.meta.dirname, '../../bench/data/replay'), 6_000)[0]!;

/** Sure of everything it says, and wrong. */
class Boaster extends TurnDrafter {
  override draft(tree: TokenTree, budget: number): void {
    let at = ROOT;
    for (let i = 0; i < Math.min(budget, 32); i++) {
      at = tree.add(at, (7 * i + 3) % VOCAB, 0.99, Source.draft);
    }
  }
}

function believing(start: string, times: RunCosts): CostModel {
  const model = new CostModel({ run: 20, row: 3, attended: 0.0001, lane: 0.2 });
  const loadOf = (rows: number) => ({ rows, attended: 32 * rows, lanes: 1 });
  for (let i = 0; i < 3; i++) {
    for (const rows of [2, 16]) {
      model.observe(
        loadOf(rows),
        STARTS[start]!(rows, (of) => times.expected(loadOf(of))),
      );
    }
  }
  return model;
}

function run(
  { turns, vocabSize }: Recording,
  shape: keyof typeof SHAPES,
  load: number | ((ms: number) => number),
  start: string | null,
  more: Partial<Parameters<typeof runStreams>[0]> = {},
): Promise<Progress> {
  const times = SHAPES[shape];
  return runStreams({
    turns,
    vocabSize,
    times,
    load: typeof load === 'number' ? () => load : load,
    tokens: TOKENS,
    ...(start === null
      ? { drafting: 'off' }
      : { drafting: 'echoed', belief: believing(start, times) }),
    ...more,
  });
}

/** Times as fast as without drafting, behind the first steps. */
function gain(on: Progress, off: Progress, load: number, tokens = TOKENS): number {
  const from = Math.min(load * LEARNING, tokens / 2);
  return rate(on, from, tokens) / rate(off, from, tokens);
}

describe.each(Object.keys(SHAPES) as (keyof typeof SHAPES)[])('steps like %s', (shape) => {
  test.each(LOADS)('%i streams of what can be drafted gain from it', async (load) => {
    const off = await run(DOCS, shape, load, null);
    for (const start of Object.keys(STARTS)) {
      const found = gain(await run(DOCS, shape, load, start), off, load);
      expect(found, `${start} start`).toBeGreaterThan(1.2);
    }
  });

  test.each(LOADS)('%i streams of what cannot lose nothing', async (load) => {
    const off = await run(NOISE, shape, load, null);
    for (const start of Object.keys(STARTS)) {
      const honest = await run(NOISE, shape, load, start);
      expect(gain(honest, off, load), `${start} start`).toBeGreaterThan(LEAST);
      const boasting = await run(NOISE, shape, load, start, { drafter: () => new Boaster() });
      expect(gain(boasting, off, load), `boasting, ${start} start`).toBeGreaterThan(LEAST);
    }
  });
});

describe('steps like SmolLM2', () => {
  /** One stream, then sixteen, then three, and round again. */
  const changing = (ms: number) => [1, 16, 3][Math.floor(ms / 8_000) % 3]!;

  test.each([
    ['what can be drafted', DOCS],
    ['what cannot', NOISE],
  ])('a load that changes: %s', async (_, recording) => {
    const tokens = 6_000;
    const off = await run(recording, 'SmolLM2', changing, null, { tokens });
    for (const start of ['right', 'flat', 'steep']) {
      const on = await run(recording, 'SmolLM2', changing, start, { tokens });
      expect(gain(on, off, 1, tokens), `${start} start`).toBeGreaterThan(
        recording === DOCS ? 1.3 : LEAST,
      );
    }
  });

  /** Twice as slow every other ten seconds, and held up for a moment now and then. */
  const busy = (ms: number) =>
    (Math.floor(ms / 10_000) % 2 === 0 ? 1 : 2) * (Math.floor(ms / 30) % 41 === 0 ? 5 : 1);

  test.each(LOADS)('a machine that others use as well, %i streams', async (load) => {
    const off = await run(NOISE, 'SmolLM2', load, null, { machine: busy });
    const on = await run(NOISE, 'SmolLM2', load, 'right', { machine: busy });
    expect(gain(on, off, load)).toBeGreaterThan(0.96);
    const docsOff = await run(DOCS, 'SmolLM2', load, null, { machine: busy });
    const docsOn = await run(DOCS, 'SmolLM2', load, 'right', { machine: busy });
    expect(gain(docsOn, docsOff, load)).toBeGreaterThan(1.2);
  });

  test('a guard alone: costs that never change whatever is measured', async () => {
    const free: CostModel = Object.assign(believing('flat', SHAPES.SmolLM2), {
      expected: () => 20,
      observe: () => {},
    });
    for (const load of LOADS) {
      const tokens = 6_000;
      const off = await run(NOISE, 'SmolLM2', load, null, { tokens });
      const boasting = { tokens, belief: free, drafter: () => new Boaster() };
      const on = await run(NOISE, 'SmolLM2', load, 'flat', boasting);
      // Pauses are short, so that good drafts are soon tried again: that costs up to 7 % here.
      expect(gain(on, off, load, tokens), `${load} streams`).toBeGreaterThan(0.93);
    }
  });
});
