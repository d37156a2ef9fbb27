/**
 * How fast segments are built of texts that are hard to sort, and for how long a
 * build keeps others waiting: the longest of its slices, which are those of the
 * object that builds a store's segments.
 */
import { SegmentBuilder } from '../src/draft/segment/segment-builder.ts';
import { CORPUS_LIMITS, SLICE_WORK } from '../src/memory/objects/corpus-limits.ts';

export interface Build {
  text: string;
  tokens: number;
  perCpuSecond: number;
  /** Of CPU time. */
  longestSliceMs: number;
  slices: number;
}

/** Tokens of one text, as many as a segment has at most. */
const TOKENS = CORPUS_LIMITS.segmentTokens;

function repeating(period: number): Int32Array[] {
  return [Int32Array.from({ length: TOKENS }, (_, i) => 5 + (i % period))];
}

function copies(document: Int32Array): Int32Array[] {
  return Array.from({ length: Math.floor(TOKENS / document.length) }, () => document);
}

/** @param documents recorded text of at least a segment */
export function segmentBuilds(documents: readonly Int32Array[]): Build[] {
  let room = TOKENS;
  const natural = documents.filter(({ length }) => {
    room -= length + 1;
    return room >= 0;
  });
  const longest = natural.reduce((a, b) => (b.length > a.length ? b : a));
  return [
    built('recorded answers', natural),
    built('one token repeated', repeating(1)),
    built('two tokens in turn', repeating(2)),
    built('one document, many times', copies(longest)),
    built('every token another', [
      Int32Array.from({ length: TOKENS }, (_, i) => (i * 65_537) % 200_003),
    ]),
  ];
}

function built(text: string, documents: readonly Int32Array[]): Build {
  const tokens = documents.reduce((sum, { length }) => sum + length, 0);
  const started = process.cpuUsage();
  const builder = new SegmentBuilder(documents);
  let [longest, slices] = [0, 0];
  for (let done = false; !done; slices++) {
    const before = process.cpuUsage();
    done = builder.step(SLICE_WORK);
    longest = Math.max(longest, process.cpuUsage(before).user);
  }
  builder.finish();
  const seconds = process.cpuUsage(started).user / 1e6;
  return {
    text,
    tokens,
    perCpuSecond: tokens / seconds,
    longestSliceMs: longest / 1000,
    slices,
  };
}
