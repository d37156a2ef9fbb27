/**
 * What an `accept` frame tells of the target's distributions, on request: the
 * likeliest successors of verified tokens, and log-probabilities of committed
 * ones. Two optional sections at the frame's end.
 */
import { fail, readToken, writeTokens } from './wire.ts';

/** Successors told of a verified token. */
export const RECYCLED_TOP = 8;
/** Rows of successors in one frame: several steps' worth where steps are merged. */
export const MAX_RECYCLED_ROWS = 512;
/** The most alternatives told of a committed token: what OpenAI's `top_logprobs` allows. */
export const MAX_LOGPROBS = 20;
/** Stands for every log-probability below it. */
export const LEAST_LOGPROB = -9999;

/** Each token once; of one verified at several places the deepest of the newest step. Oldest first. */
export interface Recycled {
  tokens: Int32Array;
  /** `RECYCLED_TOP` ids for each token, likeliest first. */
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

const COUNT_BYTES = 2;

export function recycledBytes(rows: number, wide: boolean): number {
  return COUNT_BYTES + rows * (1 + RECYCLED_TOP) * (wide ? 4 : 2);
}

export function logprobsBytes(tokens: number, top: number, wide: boolean): number {
  return COUNT_BYTES + tokens * (4 + top * ((wide ? 4 : 2) + 4));
}

/** Returns where the section ends. */
export function writeRecycled(view: DataView, at: number, told: Recycled, wide: boolean): number {
  const { tokens, successors } = told;
  view.setUint16(at, tokens.length, true);
  const next = writeTokens(view, at + COUNT_BYTES, tokens, tokens.length, wide);
  return writeTokens(view, next, successors, successors.length, wide);
}

export function writeLogprobs(view: DataView, at: number, told: Logprobs, wide: boolean): void {
  view.setUint16(at, told.top, true);
  let next = writeFloats(view, at + COUNT_BYTES, told.committed);
  next = writeTokens(view, next, told.topIds, told.topIds.length, wide);
  writeFloats(view, next, told.topLogprobs);
}

/** Rows of the section at `at`, checked against the limit. */
export function recycledRows(view: DataView, at: number): number {
  const rows = countAt(view, at);
  if (rows === 0 || rows > MAX_RECYCLED_ROWS) {
    fail(`successors of ${rows} tokens; 1 to ${MAX_RECYCLED_ROWS}`);
  }
  return rows;
}

/** Alternatives a token of the section at `at`, checked against the limit. */
export function logprobsTop(view: DataView, at: number): number {
  const top = countAt(view, at);
  if (top > MAX_LOGPROBS) fail(`${top} alternatives a token; at most ${MAX_LOGPROBS}`);
  return top;
}

/** The frame must be known to be long enough. */
export function readRecycled(view: DataView, at: number, rows: number, wide: boolean): Recycled {
  const tokensAt = at + COUNT_BYTES;
  const successorsAt = tokensAt + rows * (wide ? 4 : 2);
  return {
    tokens: readTokens(view, tokensAt, rows, wide),
    successors: readTokens(view, successorsAt, rows * RECYCLED_TOP, wide),
  };
}

/** The frame must be known to be long enough for `n` tokens. */
export function readLogprobs(
  view: DataView,
  at: number,
  n: number,
  top: number,
  wide: boolean,
): Logprobs {
  const committedAt = at + COUNT_BYTES;
  const idsAt = committedAt + 4 * n;
  const valuesAt = idsAt + n * top * (wide ? 4 : 2);
  return {
    top,
    committed: readFloats(view, committedAt, n),
    topIds: readTokens(view, idsAt, n * top, wide),
    topLogprobs: readFloats(view, valuesAt, n * top),
  };
}

/** Both, in order. Of a token told twice the later row stays; beyond the limit the oldest go. */
export function mergeRecycled(first?: Recycled, second?: Recycled): Recycled | undefined {
  if (!first || !second) return second ?? first;
  const tokens = Int32Array.of(...first.tokens, ...second.tokens);
  const successors = new Int32Array(tokens.length * RECYCLED_TOP);
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
    successors: new Int32Array(rows.length * RECYCLED_TOP),
  };
  rows.forEach((row, i) => {
    const from = row * RECYCLED_TOP;
    kept.successors.set(successors.subarray(from, from + RECYCLED_TOP), i * RECYCLED_TOP);
  });
  return kept;
}

function countAt(view: DataView, at: number): number {
  if (view.byteLength < at + COUNT_BYTES) fail(`frame of ${view.byteLength} bytes is cut short`);
  return view.getUint16(at, true);
}

function readTokens(view: DataView, at: number, n: number, wide: boolean): Int32Array {
  const tokens = new Int32Array(n);
  for (let i = 0; i < n; i++) tokens[i] = readToken(view, at + i * (wide ? 4 : 2), wide);
  return tokens;
}

function writeFloats(view: DataView, at: number, values: Float32Array): number {
  for (const value of values) {
    view.setFloat32(at, value, true);
    at += 4;
  }
  return at;
}

function readFloats(view: DataView, at: number, n: number): Float32Array {
  const values = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const value = view.getFloat32(at + 4 * i, true);
    if (!(value >= LEAST_LOGPROB && value <= 0)) {
      fail(`log-probability ${value}; from ${LEAST_LOGPROB} to 0`);
    }
    values[i] = value;
  }
  return values;
}
