/** How much is kept of a tenant's outputs, and how much of it one turn is given. */

export interface OutputLimits {
  /** Tokens in the automaton, about 75 bytes each, before they become a segment soon. */
  recentTokens: number;
  /** Tokens of one segment: whatever they are, it fits `MAX_VALUE_BYTES`. */
  segmentTokens: number;
  /** Tokens of all: beyond it the oldest segment goes, with its outputs that were not said again. 8 MB of segments. */
  totalTokens: number;
}

/** Of a value in an object's SQLite. */
export const MAX_VALUE_BYTES = 2_000_000;

export const OUTPUT_LIMITS: OutputLimits = {
  recentTokens: 1 << 14,
  segmentTokens: 1 << 16,
  totalTokens: 1 << 20,
};

/** So many times `recentTokens` may wait to become a segment; beyond it nothing new is kept. */
export const MAX_BACKLOG = 8;
/** The most tokens kept of one output. */
export const MAX_OUTPUT_TOKENS = 1 << 13;
/** Passages that one output may have been written from: with any of them it is forgotten. */
export const MAX_OUTPUT_PASSAGES = 256;
/** Outputs that one `recall` gives, and tokens of them together. */
export const MAX_RECALLED = 32;
export const RECALL_TOKENS = 1 << 12;
