/** Text to vectors: the seam behind which the bundled encoder and others stand. */
export interface Embedder {
  /** Its name for clients. */
  readonly id: string;
  /** Vectors of different spaces don't compare: it names the weights and what is made of a text. */
  readonly space: string;
  readonly dimensions: number;
  /**
   * One vector of unit length a text, in order; all zeros for a text without words.
   * @param role what the texts are, for encoders that distinguish questions from passages
   */
  embed(texts: readonly string[], role?: Role): Promise<Embedding[]>;
  readonly ids?: TokenEmbedder;
  readonly tokens?: TokenVectors;
}

/** The vectors of tokens by themselves, for encoders whose tokens do not depend on what is beside them. */
export interface TokenVectors {
  /** In the text's order. */
  encode(text: string): ArrayLike<number>;
  /** A vector an id, in order, one after the other; a longer one counts more. */
  vectors(ids: readonly number[]): Promise<Float32Array>;
}

/** Of embedders whose tokenizer is here: the same for texts that are tokens already. */
interface TokenEmbedder {
  /** Whether an id is one of the embedder's tokens. */
  has(id: number): boolean;
  /** One vector of unit length a list of ids, in order. */
  embed(lists: readonly (readonly number[])[]): Promise<Embedding[]>;
}

export type Role = 'query' | 'passage';

export interface Embedding {
  vector: Float32Array;
  /** Of the text, by the embedder's own tokenizer. */
  tokens: number;
}

/** What a passage is embedded as: its headings say what it is about. */
export function passageText(passage: { title: string; heading: string; text: string }): string {
  return `${passage.title}\n${passage.heading}\n${passage.text}`;
}
