/** What a network reads of a text that is longer than it can hold. */
import { describe, expect, test } from 'vitest';
import { shortContext } from '../../gpu-backend/drafters/short-context.ts';
import type { Region } from '../../src/draft/drafter.ts';
import { Source } from '../../src/draft/source.ts';

describe('what a network reads of a long text', () => {
  const text = Int32Array.from({ length: 1000 }, (_, i) => i);
  const passage = (start: number, end: number) => ({ start, end, source: Source.passage });
  const of = (...regions: Region[]) => ({ regions, excerpts: [] });
  const NOTHING = of();

  test('is all of it where that is short enough', () => {
    expect(shortContext(text, NOTHING, 1000)).toBe(text);
  });

  test('is its end where no passages are marked', () => {
    expect([...shortContext(text, NOTHING, 10)]).toEqual([...text.subarray(990)]);
  });

  test('is the beginning, the passages and the end, never more than it may', () => {
    const short = shortContext(text, of(passage(100, 120), passage(300, 340)), 200);
    expect(short).toHaveLength(200);
    expect([...short.subarray(0, 33)]).toEqual([...text.subarray(0, 32), 100]);
    expect([...short.subarray(52, 54)]).toEqual([300, 301]);
    expect(short[short.length - 1]).toBe(999);
    const full = shortContext(text, of(passage(40, 900)), 200);
    expect(full).toHaveLength(200);
    expect([...full.subarray(100)]).toEqual([...text.subarray(900)]);
  });

  test('is of a whole document what matches the question, and the end behind the document', () => {
    const excerpts = [
      { start: 200, end: 230 },
      { start: 600, end: 640 },
    ];
    const short = [...shortContext(text, { regions: [passage(40, 900)], excerpts }, 300)];
    const run = (start: number, end: number) => [...text.subarray(start, end)];
    expect(short).toEqual([...run(0, 32), ...run(200, 230), ...run(600, 640), ...run(900, 1000)]);
  });
});
