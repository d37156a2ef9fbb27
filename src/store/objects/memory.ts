/** What a worker and the objects that keep text to draft from say to each other. */

/** A run of tokens out of a store. */
export interface KeptRun {
  /** Names the text it is from within its store. */
  unit: number;
  /** Where in that text it begins. */
  from: number;
  tokens: Int32Array;
}

/** What a turn has of a text already, so that nothing is sent twice: tokens `from` to `to`. */
export interface KeptRange {
  unit: number;
  from: number;
  to: number;
}

/** Weights and energies of a mixer, whole. */
export interface MixerState {
  weights: Float32Array;
  energy: Float32Array;
}

/** What was added to some of them. */
export interface MixerChanges {
  /** How many stores the mixer weighs. */
  stores: number;
  /** Of the mixer's layout: another one's changes mean nothing. */
  size: number;
  at: Uint32Array;
  weights: Float32Array;
  energy: Float32Array;
}

/** What a turn that opens is told. */
export interface Recalled {
  /** Outputs that may be said again. */
  runs: KeptRun[];
  /** Where asked for. */
  mixer: MixerState | null;
}

export interface NewOutput {
  /** None of an answer that is known to have been said, and not drafted from. */
  tokens: Int32Array;
  /** Of its text, and where that says little of the question too: a conversation that continues quotes it by this. */
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
}

/** What a shard of a corpus says to the end of an answer. */
export interface Proceeded {
  runs: KeptRun[];
  /** Whether the store continues in another shard. */
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

/** One object per tenant, model and tokenizer: past outputs, and what the drafter has learned. */
export interface TenantMemoryObject {
  /**
   * What a turn that opens may draft from.
   * @param passages in its prompt
   * @param layout how many stores its mixer weighs; null if it wants no weights
   */
  recall(tenantId: number, passages: readonly number[], layout: number | null): Promise<Recalled>;
  /**
   * Outputs in which the end of an answer occurs, less what the turn has already.
   * @param opens the turn's first question, for which nothing may be stale
   */
  proceed(
    tenantId: number,
    tail: Int32Array,
    held: readonly KeptRange[],
    opens?: boolean,
  ): Promise<KeptRun[]>;
  /** Keeps what a turn leaves, unless a passage behind it has been deleted. */
  learn(tenantId: number, learned: Learned): Promise<void>;
}

/** A part of a store's corpus for one tokenizer. */
export interface CorpusPlace {
  tenantId: number;
  storeId: string;
  /** Hex sha256 of tokenizer.json. */
  tokenizer: string;
  /** 0 for the first; each continues where the one before it is full. */
  shard: number;
}

/** One object per store, tokenizer and shard: the store's text, to draft from. */
export interface StoreCorpusObject {
  /** Documents have come or gone. Returns before the work is done. */
  wake(place: CorpusPlace): Promise<void>;
  /** Documents for which the shard before this one has no room. */
  assign(place: CorpusPlace, documents: readonly number[]): Promise<void>;
  /** Passages in which the end of an answer occurs, as `TenantMemoryObject.proceed`. */
  proceed(
    place: CorpusPlace,
    tail: Int32Array,
    held: readonly KeptRange[],
    opens: boolean,
  ): Promise<Proceeded>;
  status(): Promise<CorpusStatus>;
}
