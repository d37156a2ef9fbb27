import { describe, expect, it } from 'vitest';
import { SOURCE_NAMES } from '../../src/draft/source.ts';
import { countFamilies, FAMILIES, familyOf } from '../../web/sources.js';
import { StepQueue } from '../../web/stream/steps.js';
import { Tally } from '../../web/stream/tally.js';
import { compareOutcomes } from '../../web/turn/comparison.js';

function tokens(...sources: string[]) {
  return sources.map((source, i) => ({ text: `${source}${i} `, source }));
}

function chunk(sources: string[], accepted: number, drafted: number) {
  const traced = tokens(...sources);
  const content = traced.map(({ text }) => text).join('');
  return {
    choices: [{ delta: { content }, finish_reason: null }],
    espalier: { tokens: traced, steps: [{ accepted, drafted, micros: 1 }] },
  };
}

describe('the figures of an answer', () => {
  it('has nothing to divide by before the first token', () => {
    const tally = new Tally(1000);
    expect(tally.figures()).toMatchObject({
      tokens: 0,
      steps: 0,
      meanAccepted: null,
      tokensPerSecond: null,
      firstTokenMs: null,
    });
  });

  it('counts from the chunks, and times only tokens that came after the clock began', () => {
    const tally = new Tally(1000);
    tally.add({ choices: [{ delta: {}, finish_reason: null }] }, 1100);
    tally.add(chunk(['target', 'passage', 'passage', 'passage'], 4, 16), 1250);
    tally.add(chunk(['output', 'target'], 2, 8), 1750);
    expect(tally.figures()).toEqual({
      tokens: 6,
      steps: 2,
      drafted: 24,
      meanAccepted: 3,
      tokensPerSecond: 4,
      firstTokenMs: 250,
      shareDrafted: 4 / 6,
      bySource: { target: 2, passage: 3, output: 1 },
    });
  });

  it("ends with the server's own usage, the end token included", () => {
    const tally = new Tally(0);
    tally.add(chunk(['target'], 1, 4), 10);
    const speculation = {
      steps: 3,
      drafted: 40,
      mean_accepted: 4,
      by_source: { passage: 9, target: 3 },
    };
    const usage = { prompt_tokens: 5, completion_tokens: 11, speculation };
    tally.add({ choices: [], usage }, 20);
    expect(tally.figures()).toMatchObject({
      tokens: 12,
      steps: 3,
      drafted: 40,
      meanAccepted: 4,
      bySource: speculation.by_source,
    });
  });
});

describe('the figures of a server that traces nothing', () => {
  it('are its token count', () => {
    const tally = new Tally(0);
    tally.add({ choices: [{ delta: { content: 'Hi' }, finish_reason: null }] }, 10);
    tally.add({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } }, 20);
    expect(tally.figures()).toMatchObject({ tokens: 9, steps: 0, meanAccepted: null });
  });
});

describe('tokens and their steps', () => {
  it('gives each step as many tokens as it committed', () => {
    const queue = new StepQueue();
    const steps = [2, 1].map((accepted) => ({ accepted, drafted: 4, micros: 1 }));
    const placed = queue.place(tokens('passage', 'target', 'target'), steps);
    expect(placed.map(({ stepIndex }) => stepIndex)).toEqual([0, 0, 1]);
    expect(placed.map(({ opensStep }) => opensStep)).toEqual([true, false, true]);
  });

  it('waits for tokens that trail their step, and passes over a step without any', () => {
    const queue = new StepQueue();
    const step = (accepted: number) => ({ accepted, drafted: 4, micros: 1 });
    expect(queue.place([], [step(2)])).toEqual([]);
    expect(queue.place(tokens('passage'), [step(0), step(1)])[0]?.stepIndex).toBe(0);
    const rest = queue.place(tokens('target', 'target'), []);
    expect(rest.map(({ stepIndex }) => stepIndex)).toEqual([0, 2]);
  });

  it('leaves a token alone that no step accounts for', () => {
    expect(new StepQueue().place(tokens('target'), [])[0]?.step).toBeNull();
  });
});

describe('the families of sources', () => {
  it('place every source that the drafting core knows, each in one', () => {
    const placed = FAMILIES.flatMap((family) => family.sources);
    expect([...placed].sort()).toEqual([...SOURCE_NAMES].sort());
  });

  it('add up, and take in a source that is new', () => {
    const counts = countFamilies({ tenant: 2, trigram: 3, target: 1, draft: 0 });
    expect([...counts]).toEqual([
      ['stores', 5],
      ['target', 1],
    ]);
    expect(familyOf('a source of tomorrow')).toBe('stores');
  });
});

describe('the comparison', () => {
  const figures = (steps: number, tokensPerSecond: number | null) => ({
    tokens: 20,
    steps,
    drafted: 0,
    meanAccepted: 20 / steps,
    tokensPerSecond,
    firstTokenMs: 1,
    shareDrafted: null,
    bySource: {},
  });

  it('speaks of drafting, whichever was asked first', () => {
    const on = { mode: 'on' as const, text: 'same', figures: figures(5, 90) };
    const off = { mode: 'off' as const, text: 'same', figures: figures(20, 30) };
    const expected =
      'The same text: 5 steps with drafting, 20 without, 3.0× the tokens per second.';
    expect(compareOutcomes(on, off)).toEqual({ same: true, ratio: 3, sentence: expected });
    expect(compareOutcomes(off, on)).toEqual({ same: true, ratio: 3, sentence: expected });
  });

  it('hides neither a difference nor a missing figure', () => {
    const on = { mode: 'on' as const, text: 'a', figures: figures(5, null) };
    const off = { mode: 'off' as const, text: 'b', figures: figures(20, 30) };
    expect(compareOutcomes(on, off)).toEqual({
      same: false,
      ratio: null,
      sentence: 'The texts differ: 5 steps with drafting, 20 without.',
    });
  });
});
