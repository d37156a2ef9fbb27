/**
 * Where the end of an answer occurs in kept text, and what followed there: the
 * question that a store is asked from afar. Stores far from the drafter can't
 * follow it token by token; they send whole runs, and the drafter's own automaton
 * counts what is in them.
 */

import type { Segment } from '../../draft/segment/segment.ts';
import { SEPARATOR } from '../../draft/segment/suffix-sort.ts';
import { OUTPUT_START } from '../../draft/stores/output-start.ts';
import type { KeptRange, KeptRun } from '../../store/objects/memory.ts';

/** A place in kept text that the end of the answer leads to. */
export interface Match {
  /** Tokens that agree. */
  length: number;
  /** Times that this continuation of them occurred. */
  count: number;
  /** The text it is in, by the caller's numbers. */
  unit: number;
  /** Of the first token that follows, in that text. */
  at: number;
}

/** Whether the token at this offset of a text is one that the turn has. */
export type IsHeld = (unit: number, at: number) => boolean;

/** One token alone occurs everywhere and says little. */
export const MIN_MATCH = 2;
/** Runs that one question is answered with. */
export const MAX_RUNS = 4;
/** Tokens of a run; a text that is no longer is sent whole, a longer one piece by piece as the answer continues in it. */
export const MAX_RUN_TOKENS = 512;
/** Of a longer one, what is sent of the text before the match: a context to find it by. */
const CONTEXT_TOKENS = 15;
/** Continuations of a context looked at, and occurrences of one. */
const MAX_READ = 64;
const MAX_PROBES = 16;

/**
 * Places in `segment` that the longest suffixes of `tail` lead to, longest
 * first; of one suffix the most frequent continuations; each text once, by
 * `unitOf` a document of the segment, and none where the turn has what follows. A
 * tail that is a whole answer so far begins with `OUTPUT_START`. O(tail² · log n).
 */
export function matchSegment(
  segment: Segment,
  tail: Int32Array,
  unitOf: (document: number) => number,
  isHeld: IsHeld,
): Match[] {
  const found: Match[] = [];
  for (let from = 0; tail.length - from >= MIN_MATCH && found.length < MAX_RUNS; from++) {
    const range = rangeOf(segment, tail, from);
    if (!range) continue;
    const length = tail.length - from;
    for (const { rank, count } of continuations(segment, range, length)) {
      if (found.length === MAX_RUNS) break;
      const place = placeOf(
        segment,
        rank,
        length,
        count,
        unitOf,
        (unit, at) => found.some((match) => match.unit === unit) || isHeld(unit, at),
      );
      if (place) found.push(place);
    }
  }
  return found;
}

/** The longest matches first, then the most frequent continuations; each text once. */
export function best<T extends Match>(matches: readonly T[]): T[] {
  const seen = new Set<number>();
  return [...matches]
    .sort((a, b) => b.length - a.length || b.count - a.count)
    .filter(({ unit }) => !seen.has(unit) && seen.add(unit))
    .slice(0, MAX_RUNS);
}

/** What is sent of a text for a match at its offset `at`. */
export function runOf(unit: number, text: Int32Array, at: number): KeptRun {
  if (text.length <= MAX_RUN_TOKENS) return { unit, from: 0, tokens: text };
  const from = Math.max(0, at - CONTEXT_TOKENS);
  return { unit, from, tokens: text.slice(from, from + MAX_RUN_TOKENS) };
}

export function rangeOfRun({ unit, from, tokens }: KeptRun): KeptRange {
  return { unit, from, to: from + tokens.length };
}

/** By the ranges that a question names. */
export function heldIn(ranges: readonly KeptRange[]): IsHeld {
  const byUnit = new Map<number, KeptRange[]>();
  for (const range of ranges) byUnit.set(range.unit, [...(byUnit.get(range.unit) ?? []), range]);
  return (unit, at) => byUnit.get(unit)?.some(({ from, to }) => from <= at && at < to) ?? false;
}

/** Ranks of the suffixes that begin with `tail` from `from` on. */
function rangeOf(segment: Segment, tail: Int32Array, from: number): [number, number] | null {
  const first = segment.rowOf(symbolOf(tail[from]!));
  if (first < 0) return null;
  let low = segment.firstStarts[first]!;
  let high = segment.firstStarts[first + 1]!;
  for (let i = from + 1; i < tail.length; i++) {
    const symbol = symbolOf(tail[i]!);
    low = segment.lowerRank(low, high, i - from, symbol);
    high = segment.upperRank(low, high, i - from, symbol);
    if (low === high) return null;
  }
  return [low, high];
}

function continuations(segment: Segment, [low, high]: [number, number], depth: number) {
  const runs: { rank: number; count: number }[] = [];
  for (let rank = low, read = 0; rank < high && read < MAX_READ; read++) {
    const symbol = segment.symbol(rank, depth);
    const end = segment.upperRank(rank, high, depth, symbol);
    if (symbol !== SEPARATOR) runs.push({ rank, count: end - rank });
    rank = end;
  }
  return runs.sort((a, b) => b.count - a.count);
}

/** The first occurrence whose continuation may be sent. */
function placeOf(
  segment: Segment,
  rank: number,
  length: number,
  count: number,
  unitOf: (document: number) => number,
  isTaken: IsHeld,
): Match | null {
  for (let i = rank; i < rank + Math.min(count, MAX_PROBES); i++) {
    if (segment.isHidden(i)) continue;
    const position = segment.order[i]! + length;
    const document = segment.documentAt(position);
    const unit = unitOf(document);
    // A document's separator precedes its first token.
    const at = position - segment.documentStarts[document]! - 1;
    if (!isTaken(unit, at)) return { length, count, unit, at };
  }
  return null;
}

function symbolOf(token: number): number {
  return token === OUTPUT_START ? SEPARATOR : token + 1;
}
