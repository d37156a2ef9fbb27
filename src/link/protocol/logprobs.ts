/** The log-probabilities of committed tokens, which an `accept` frame carries on request: an optional section at its end. */
import type { Reader } from './reader.ts';
import { fail } from './wire.ts';
import type { Writer } from './writer.ts';

/** The most alternatives told of a committed token: what OpenAI's `top_logprobs` allows. */
export const MAX_LOGPROBS = 20;
/** Stands for every log-probability below it. */
export const LEAST_LOGPROB = -9999;

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

export function writeLogprobs(writer: Writer, told: Logprobs, wide: boolean): void {
  writer.u16(told.top);
  writer.floats(told.committed);
  writer.tokens(told.topIds, told.topIds.length, wide);
  writer.floats(told.topLogprobs);
}

/** @param n how many tokens were committed */
export function readLogprobs(reader: Reader, n: number, wide: boolean): Logprobs {
  const top = reader.u16();
  if (top > MAX_LOGPROBS) fail(`${top} alternatives a token; at most ${MAX_LOGPROBS}`);
  const committed = readLogs(reader, n);
  const topIds = reader.tokens(n * top, wide);
  return { top, committed, topIds, topLogprobs: readLogs(reader, n * top) };
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

function readLogs(reader: Reader, n: number): Float32Array {
  const values = reader.floats(n);
  for (const value of values) {
    if (!(value >= LEAST_LOGPROB && value <= 0)) {
      fail(`log-probability ${value}; from ${LEAST_LOGPROB} to 0`);
    }
  }
  return values;
}
