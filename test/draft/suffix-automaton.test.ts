import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ROOT_STATE, SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';

const DEPTH = 5;
const runs = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 40 }), {
  maxLength: 5,
});
const wideRuns = fc.array(fc.array(fc.nat(40), { maxLength: 200 }), { maxLength: 3 });

function built(all: number[][]): SuffixAutomaton {
  const automaton = new SuffixAutomaton(DEPTH);
  for (const run of all) {
    for (const token of run) automaton.append(token);
    automaton.endRun();
  }
  return automaton;
}

/** Occurrences of every context of up to DEPTH + 1 tokens, and where the last one ends. */
function counted(all: number[][]): Map<string, { count: number; lastEnd: number }> {
  const found = new Map<string, { count: number; lastEnd: number }>();
  let offset = 0;
  for (const run of all) {
    for (let end = 0; end < run.length; end++) {
      for (let length = 1; length <= DEPTH + 1 && length <= end + 1; length++) {
        const key = run.slice(end + 1 - length, end + 1).join(' ');
        const entry = found.get(key) ?? { count: 0, lastEnd: 0 };
        found.set(key, { count: entry.count + 1, lastEnd: offset + end });
      }
    }
    offset += run.length;
  }
  return found;
}

function stateOf(automaton: SuffixAutomaton, context: string): number {
  let state = ROOT_STATE;
  for (const token of context.split(' ')) {
    state = automaton.next(state, Number(token));
    if (state < 0) return state;
  }
  return state;
}

describe('the suffix automaton', () => {
  test.each([
    ['few tokens', runs],
    ['many tokens', wideRuns],
  ])('counts every short context exactly, within runs only: %s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (all) => {
        const automaton = built(all);
        automaton.checkIntegrity();
        const expected = counted(all);
        for (const [context, { count, lastEnd }] of expected) {
          const state = stateOf(automaton, context);
          expect(automaton.count[state], context).toBe(count);
          expect(automaton.lastEnd[state], context).toBe(lastEnd);
          const followers = [...Array(41).keys()].filter((t) => expected.has(`${context} ${t}`));
          if (context.split(' ').length <= DEPTH) {
            expect(automaton.fanout[state], context).toBe(followers.length);
          }
          for (const token of [0, 1, 2, 3]) {
            const after = `${context} ${token}`;
            if (after.split(' ').length > DEPTH + 1) continue;
            expect(automaton.next(state, token) >= 0, after).toBe(expected.has(after));
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('stays exact while its arrays grow', () => {
    const run: number[] = [];
    for (let i = 0, x = 1; i < 6000; i++) {
      x = (x * 48271) % 2147483647;
      run.push(x % 37);
    }
    const automaton = built([run]);
    automaton.checkIntegrity();
    for (const [context, { count }] of counted([run])) {
      expect(automaton.count[stateOf(automaton, context)], context).toBe(count);
    }
  });

  test('its tail is the longest bounded suffix of the run', () => {
    fc.assert(
      fc.property(runs, fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 30 }), (all, run) => {
        const automaton = built(all);
        for (const token of run) automaton.append(token);
        const length = Math.min(run.length, DEPTH);
        expect(automaton.tailLength).toBe(length);
        const context = run.slice(run.length - length).join(' ');
        expect(automaton.tail).toBe(length ? stateOf(automaton, context) : ROOT_STATE);
      }),
    );
  });

  test('a cleared automaton is as new', () => {
    const automaton = built([
      [1, 2, 3, 1, 2, 3],
      [3, 2, 1],
    ]);
    automaton.clear();
    for (const token of [1, 2, 1]) automaton.append(token);
    const fresh = new SuffixAutomaton(DEPTH);
    for (const token of [1, 2, 1]) fresh.append(token);
    expect(automaton.states).toBe(fresh.states);
    expect(automaton.next(ROOT_STATE, 3)).toBe(-1);
    automaton.checkIntegrity();
  });

  test('repetitive text costs no more states than two a token', () => {
    const automaton = new SuffixAutomaton(DEPTH);
    for (let i = 0; i < 5000; i++) automaton.append(7);
    expect(automaton.states).toBeLessThanOrEqual(10_000);
    expect(automaton.count[stateOf(automaton, '7 7 7')]).toBe(4998);
  });

  test('refuses what is not a token id', () => {
    expect(() => new SuffixAutomaton(DEPTH).append(-1)).toThrow(/token ids are not negative/);
  });
});
