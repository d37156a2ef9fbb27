/** T's index over its rows, with whatever may come between: the same as a plain list of what is kept. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sqlInMemory } from '../../bench/replay/sql-in-memory.ts';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { MAX_OUTPUT_PASSAGES, MAX_RECALLED } from '../../src/memory/objects/output-limits.ts';
import { type OutputBuild, OutputMemory } from '../../src/memory/objects/output-memory.ts';

const LIMITS = { recentTokens: 128, segmentTokens: 512, totalTokens: 1024 };
const UNBOUNDED = { ...LIMITS, totalTokens: 1 << 20 };

/** Distinct outputs of 40 tokens: the `n`-th counts from 100 n. */
const output = (n: number) => Int32Array.from({ length: 40 }, (_, i) => 100 * n + i);
const outputOf = (n: number, ...passages: number[]) => ({
  tokens: output(n),
  hash: `${n}`,
  passages,
  quotes: [],
});

function publish(memory: OutputMemory, build: OutputBuild): void {
  memory.publish(build, buildSegment(build.texts));
}

/** Builds all that there is to build; returns how many segments that were. */
function tidy(memory: OutputMemory): number {
  let built = 0;
  for (let build = memory.nextBuild(); build; build = memory.nextBuild(), built++) {
    publish(memory, build);
  }
  return built;
}

function isSaid(memory: OutputMemory, n: number): boolean {
  return memory.proceed(output(n).slice(3, 10), []).length > 0;
}

function segmentsIn(sql: SqlStorage): number {
  return sql.exec('SELECT id FROM segments').toArray().length;
}

describe('outputs', () => {
  test('are said until a passage of theirs goes, whatever is built, forgotten and restarted in between', () => {
    const event = fc.oneof(
      { weight: 6, arbitrary: fc.record({ say: fc.nat(30), of: fc.nat(5) }) },
      { weight: 1, arbitrary: fc.record({ forget: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.constant('begin a build' as const) },
      { weight: 2, arbitrary: fc.constant('end it' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    fc.assert(
      fc.property(fc.array(event, { minLength: 20, maxLength: 60 }), (events) => {
        const sql = sqlInMemory();
        let memory = new OutputMemory(sql, UNBOUNDED);
        let build: OutputBuild | null = null;
        const kept = new Map<number, Set<number>>();
        for (const what of events) {
          if (what === 'begin a build') build ??= memory.nextBuild();
          else if (what === 'end it') {
            if (build) publish(memory, build);
            build = null;
          } else if (what === 'restart') {
            memory = new OutputMemory(sql, UNBOUNDED);
            build = null;
          } else if ('say' in what) {
            memory.learn(outputOf(what.say, what.of));
            kept.set(what.say, (kept.get(what.say) ?? new Set()).add(what.of));
          } else {
            memory.forget([what.forget]);
            for (const [n, of] of kept) if (of.has(what.forget)) kept.delete(n);
          }
          memory.checkIntegrity();
          for (let n = 0; n <= 30; n++) expect(isSaid(memory, n)).toBe(kept.has(n));
        }
        expect(memory.damaged).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('are in few segments, however many are forgotten', () => {
    const sql = sqlInMemory();
    const memory = new OutputMemory(sql, UNBOUNDED);
    for (let n = 1; n <= 200; n++) {
      memory.learn(outputOf(n, n));
      tidy(memory);
    }
    // One of ten stays: 820 tokens.
    memory.forget(Array.from({ length: 200 }, (_, n) => n + 1).filter((n) => n % 10 > 0));
    for (let n = 1; n <= 200; n++) expect(isSaid(memory, n)).toBe(n % 10 === 0);
    tidy(memory);
    memory.checkIntegrity();
    expect(segmentsIn(sql)).toBeLessThanOrEqual(4);
    for (let n = 1; n <= 200; n++) expect(isSaid(memory, n)).toBe(n % 10 === 0);
  });

  test('that are forgotten leave no token behind once segments are built', () => {
    const sql = sqlInMemory();
    const memory = new OutputMemory(sql, UNBOUNDED);
    for (let n = 1; n <= 12; n++) memory.learn(outputOf(n, 1));
    tidy(memory);
    memory.forget([1]);
    expect(tidy(memory)).toBe(0);
    expect(segmentsIn(sql)).toBe(0);
    expect(memory.tokens).toBe(0);
  });
});

describe('beyond their tokens', () => {
  test('outputs said again since stay, and the others of their segment go', () => {
    const memory = new OutputMemory(sqlInMemory(), LIMITS);
    for (let n = 1; n <= 100; n++) {
      memory.learn(outputOf(n));
      if (n > 1) memory.learn(outputOf(1));
      tidy(memory);
      memory.checkIntegrity();
      expect(memory.tokens).toBeLessThanOrEqual(1024 + 128);
    }
    expect([1, 2, 100].map((n) => isSaid(memory, n))).toEqual([true, false, true]);
  });

  test('where all are said again half of them go all the same', () => {
    const memory = new OutputMemory(sqlInMemory(), LIMITS);
    for (let round = 0; round < 4; round++) {
      for (let n = 1; n <= 60; n++) {
        memory.learn(outputOf(n));
        tidy(memory);
        expect(memory.tokens).toBeLessThanOrEqual(1024 + 128);
      }
    }
    memory.checkIntegrity();
  });

  test('nothing new is kept while segments are not built', () => {
    const memory = new OutputMemory(sqlInMemory(), UNBOUNDED);
    for (let n = 1; n <= 100; n++) memory.learn(outputOf(n));
    expect(memory.tokens).toBeLessThan(9 * LIMITS.recentTokens + 2 * 41);
    expect(memory.learn(outputOf(101))).toBe(false);
    expect(memory.learn(outputOf(1))).toBe(true);
    tidy(memory);
    expect(memory.learn(outputOf(101))).toBe(true);
  });
});

describe('the passages of an output', () => {
  test('are at most so many: from more it counts as said for the first time', () => {
    const sql = sqlInMemory();
    const memory = new OutputMemory(sql, UNBOUNDED);
    for (let passage = 1; passage <= 3 * MAX_OUTPUT_PASSAGES; passage++) {
      memory.learn(outputOf(1, passage));
      expect(memory.passages().length).toBeLessThanOrEqual(MAX_OUTPUT_PASSAGES);
    }
    memory.forget([1]);
    expect(isSaid(memory, 1)).toBe(true);
    memory.forget([3 * MAX_OUTPUT_PASSAGES]);
    expect(isSaid(memory, 1)).toBe(false);
  });

  test('beyond them at once it is not kept', () => {
    const memory = new OutputMemory(sqlInMemory(), UNBOUNDED);
    const passages = Array.from({ length: MAX_OUTPUT_PASSAGES + 1 }, (_, i) => i);
    expect(memory.learn(outputOf(1, ...passages))).toBe(false);
    expect(memory.learn(outputOf(1, ...passages.slice(1)))).toBe(true);
  });

  test('find it first, the most shared before the latest, however many others are of one', () => {
    const memory = new OutputMemory(sqlInMemory(), UNBOUNDED);
    memory.learn(outputOf(1, 1, 2));
    for (let n = 2; n <= 300; n++) {
      memory.learn(outputOf(n, 1));
      tidy(memory);
    }
    const said = (...passages: number[]) =>
      memory.recall(passages).map(({ tokens }) => tokens[0]! / 100);
    expect(said(2, 1).slice(0, 3)).toEqual([1, 300, 299]);
    expect(said(1)).toEqual(Array.from({ length: MAX_RECALLED }, (_, i) => 300 - i));
    expect(said(7)).toEqual(said(1));
  });
});

test('what an earlier version kept in another layout is dropped', () => {
  const sql = sqlInMemory();
  sql.exec('CREATE TABLE outputs (id INTEGER PRIMARY KEY, hash TEXT, segment INTEGER)');
  sql.exec("INSERT INTO outputs VALUES (1, 'x', NULL)");
  const memory = new OutputMemory(sql, UNBOUNDED);
  expect(memory.tokens).toBe(0);
  memory.learn(outputOf(1));
  expect(isSaid(memory, 1)).toBe(true);
});
