/** What a worker and a tenant's memory tell each other. */
import type { KeptRun } from './match.ts';
import type { MixerChanges, MixerState } from './mixer-weights.ts';

/** What a turn that opens is told. */
export interface Recalled {
  /** Outputs that may be said again. */
  runs: KeptRun[];
  /** Where asked for. */
  mixer: MixerState | null;
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
  mixer: MixerChanges;
}
