/** Where a token came from. One byte on the wire, in trees and in `accept` frames. */
export const Source = {
  /** The target model's own draw: no candidate carried it. */
  target: 0,
  /** L, matched inside a retrieved passage of the prompt. */
  passage: 1,
  /** L, matched elsewhere in the prompt (instructions, earlier turns, the question). */
  prompt: 2,
  /** L, matched in what this answer has said so far. */
  output: 3,
  /** T, the tenant's earlier outputs. */
  tenant: 4,
  /** S, an ingested store's text beyond what is in the prompt. */
  corpus: 5,
  /** A, the target's recycled top-8 successors. */
  recycling: 6,
  /** A tri-gram table, which the benchmark has as a baseline (ADED). */
  trigram: 7,
  /** D, the draft model in the worker. */
  draft: 8,
  /** P, the request's `prediction`: a span that begins an answer (see `Span`). */
  prediction: 9,
  /** What the request's grammar leaves no choice about. */
  grammar: 10,
  /** A network beside the verifier. */
  network: 11,
} as const;

export type Source = (typeof Source)[keyof typeof Source];
export type SourceName = keyof typeof Source;

/** Names by byte, for statistics and the page. */
export const SOURCE_NAMES = Object.keys(Source) as readonly SourceName[];
