/**
 * What an `accept` frame reports of the target's distributions, on request: the
 * likeliest successors of verified tokens, and log-probabilities of committed
 * ones. Two optional sections at the frame's end.
 */
import { RECYCLED_SUCCESSORS } from '../../draft/stores/recycling-store.ts';
import type { Reader } from './reader.ts';
import { fail } from './wire.ts';
import type { Writer } from './writer.ts';

export { RECYCLED_SUCCESSORS };

/** Rows of successors in one frame: several steps' worth where steps are merged. */
export const MAX_RECYCLED_ROWS = 512;
/** The most alternatives reported of a committed token: what OpenAI's `top_logprobs` allows. */
export const MAX_LOGPROBS = 20;
/** Stands for every log-probability below it. */
export const LEAST_LOGPROB = -9999;

/** Each token once; of one verified at several places the deepest of the newest step. Oldest first. */
export interface Recycled {
  tokens: Int32Array;
  /** `RECYCLED_SUCCESSORS` ids for each token, likeliest first. */
  successors: Int32Array;
}

/** Under the target's raw softmax: before temperature, top-k and top-p. */
export interface Logprobs {
  /** Alternatives of each committed token, 0 to `MAX_LOGPROBS`. */
  top: number;
  /** Of each committed token, in [`LEAST_LOGPROB`, 0]. */
  committed: Float32Array;
  /** `top` ids for each committed token, likeliest first, ties by id. */
  topIds: Int32Array;
  /** Their log-probabilities. */
  topLogprobs: Float32Array;
}

export function writeRecycled(writer: Writer, recycled: Recycled, wide: boolean): void {
  writer.u16(recycled.tokens.length);
  writer.tokens(recycled.tokens, recycled.tokens.length, wide);
  writer.tokens(recycled.successors, recycled.successors.length, wide);
}

export function readRecycled(reader: Reader, wide: boolean): Recycled {
  const rows = reader.u16();
  if (rows === 0 || rows > MAX_RECYCLED_ROWS) {
    fail(`successors of ${rows} tokens; 1 to ${MAX_RECYCLED_ROWS}`);
  }
  const tokens = reader.tokens(rows, wide);
  return { tokens, successors: reader.tokens(rows * RECYCLED_SUCCESSORS, wide) };
}

export function writeLogprobs(writer: Writer, logprobs: Logprobs, wide: boolean): void {
  writer.u16(logprobs.top);
  writer.floats(logprobs.committed);
  writer.tokens(logprobs.topIds, logprobs.topIds.length, wide);
  writer.floats(logprobs.topLogprobs);
}

/** @param n how many tokens were committed */
export function readLogprobs(reader: Reader, n: number, wide: boolean): Logprobs {
  const top = reader.u16();
  if (top > MAX_LOGPROBS) fail(`${top} alternatives a token; at most ${MAX_LOGPROBS}`);
  const committed = readLogs(reader, n);
  const topIds = reader.tokens(n * top, wide);
  return { top, committed, topIds, topLogprobs: readLogs(reader, n * top) };
}

/** Both, in order. Of a token reported twice the later row stays; beyond the limit the oldest go. */
export function mergeRecycled(first?: Recycled, second?: Recycled): Recycled | undefined {
  if (!first || !second) return second ?? first;
  const tokens = Int32Array.of(...first.tokens, ...second.tokens);
  const successors = new Int32Array(tokens.length * RECYCLED_SUCCESSORS);
  successors.set(first.successors);
  successors.set(second.successors, first.successors.length);
  return latestOfEach(tokens, successors);
}

/** Both must be of the same turn, so of the same `top`. */
export function mergeLogprobs(first?: Logprobs, second?: Logprobs): Logprobs | undefined {
  if (!first || !second) return second ?? first;
  return {
    top: first.top,
    committed: Float32Array.of(...first.committed, ...second.committed),
    topIds: Int32Array.of(...first.topIds, ...second.topIds),
    topLogprobs: Float32Array.of(...first.topLogprobs, ...second.topLogprobs),
  };
}

/** One row a token, the latest; at most `MAX_RECYCLED_ROWS`, the latest. O(rows). */
export function latestOfEach(tokens: Int32Array, successors: Int32Array): Recycled {
  const lastRow = new Map<number, number>();
  tokens.forEach((token, row) => {
    lastRow.delete(token);
    lastRow.set(token, row);
  });
  const rows = [...lastRow.values()].slice(-MAX_RECYCLED_ROWS);
  const kept: Recycled = {
    tokens: Int32Array.from(rows, (row) => tokens[row]!),
    successors: new Int32Array(rows.length * RECYCLED_SUCCESSORS),
  };
  rows.forEach((row, i) => {
    const from = row * RECYCLED_SUCCESSORS;
    kept.successors.set(
      successors.subarray(from, from + RECYCLED_SUCCESSORS),
      i * RECYCLED_SUCCESSORS,
    );
  });
  return kept;
}

function readLogs(reader: Reader, n: number): Float32Array {
  const values = reader.floats(n);
  for (const value of values) {
    if (!(value >= LEAST_LOGPROB && value <= 0)) {
      fail(`log-probability ${value}; from ${LEAST_LOGPROB} to 0`);
    }
  }
  return values;
}
