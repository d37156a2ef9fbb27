/** How large a store's corpus grows, and in which pieces. */

export interface CorpusLimits {
  /** Tokens of one segment; a document has at most so many, the rest of it is not drafted. */
  segmentTokens: number;
  /** Tokens of a shard. */
  shardTokens: number;
  /** Bytes of its segments: with what a build takes besides, an object stays below `MAX_OBJECT_BYTES`. */
  shardBytes: number;
}

/** What a segment of ordinary text takes a token, at most. */
export const SEGMENT_BYTES_A_TOKEN = 8.5;
/** Half of what the platform gives an isolate, which may hold other objects. */
export const MAX_OBJECT_BYTES = 64_000_000;

export const CORPUS_LIMITS: CorpusLimits = {
  segmentTokens: 1 << 20,
  shardTokens: 3_500_000,
  shardBytes: 3_500_000 * SEGMENT_BYTES_A_TOKEN,
};

/** Symbols that a build of a segment reads before others get their turn: a few milliseconds. */
export const SLICE_WORK = 1 << 16;

/** Shards of one store for one tokenizer: 56 million tokens. What is beyond is not drafted from. */
export const MAX_SHARDS = 16;
