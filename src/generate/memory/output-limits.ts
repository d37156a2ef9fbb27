/** How much is kept of a tenant's outputs, and how much of it one turn is given. */

export interface OutputLimits {
  /** Tokens in the automaton, about 75 bytes each, before they become a segment. */
  recentTokens: number;
  /** Tokens of one segment: whatever they are, it fits `MAX_VALUE_BYTES`. */
  segmentTokens: number;
  /** Tokens of all: beyond it the oldest segment goes, with its outputs. 8 MB of segments. */
  totalTokens: number;
}

/** Of a value in an object's SQLite. */
export const MAX_VALUE_BYTES = 2_000_000;

export const OUTPUT_LIMITS: OutputLimits = {
  recentTokens: 1 << 14,
  segmentTokens: 1 << 16,
  totalTokens: 1 << 20,
};

/** The most tokens kept of one output. */
export const MAX_OUTPUT_TOKENS = 1 << 12;
/** Outputs that one `recall` gives, and tokens of them together. */
export const MAX_RECALLED = 16;
export const RECALL_TOKENS = 1 << 11;
