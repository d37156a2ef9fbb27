/** What a worker and the objects that keep text for it tell each other. */
import type { KeptRun } from './match.ts';
import type { MixerChanges, MixerState } from './mixer-weights.ts';

/** Rows of A that a turn that opens is given: 36 kB. */
export const MAX_ROWS_ASKED = 1 << 10;
/** Rows that a turn leaves. */
export const MAX_ROWS_TOLD = 1 << 12;

/** What the target found likeliest after tokens: `RECYCLED_SUCCESSORS` each, likeliest first. */
export interface Successors {
  tokens: Int32Array;
  successors: Int32Array;
}

/** Nothing to say, and nothing to learn. */
export const NO_ROWS: Successors = { tokens: new Int32Array(0), successors: new Int32Array(0) };

/** What a turn that opens is told. */
export interface Recalled {
  /** Outputs that may be said again. */
  runs: KeptRun[];
  /** Where asked for. */
  mixer: MixerState | null;
  /** A's rows of the tokens asked for. */
  successors: Successors;
}

export interface NewOutput {
  tokens: Int32Array;
  /** Of its text: a conversation that goes on quotes it by this. */
  hash: string;
  /** Passages the model had before it. */
  passages: readonly number[];
  /** Hashes of the answers earlier in the conversation, which it may quote too. */
  quotes: readonly string[];
}

/** What a turn that ended leaves behind. */
export interface Learned {
  output: NewOutput;
  /** null where the turn was drafted with a mixer that is not kept. */
  mixer: MixerChanges | null;
  /** What the target found likely after the tokens verified; empty where it was not asked. */
  successors: Successors;
}

/** What a shard of a corpus says to the end of an answer. */
export interface Proceeded {
  runs: KeptRun[];
  /** Whether the store goes on in another shard. */
  more: boolean;
}

export interface CorpusStatus {
  documents: number;
  tokens: number;
  bytes: number;
  segments: number;
  /** Of the segment being built, 0 to 1; null while there is none. */
  progress: number | null;
  more: boolean;
}
