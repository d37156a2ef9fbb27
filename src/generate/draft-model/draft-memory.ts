/** What an isolate's memory, 128 MB for everything, leaves to draft models. */
import { type DraftFacts, DraftRefused } from '../../store/drafts.ts';

/**
 * Of a graph. With one of 9.7 MB WebAssembly takes 56 MB, as a session holds its
 * weights several times while it is made; a tokenizer of 49,152 tokens takes 20.
 */
export const MAX_DRAFT_BYTES = 10e6;
/** Of one turn's cache of keys and values, when every position is in it. */
export const MAX_DRAFT_CACHE_BYTES = 10e6;
/** Of keys and values, of all turns of an isolate together. */
export const MAX_CACHES_BYTES = 24e6;

/** Of a turn that reads so many tokens: a float32 key and value a layer. */
export function draftCacheBytes({ layers, width }: DraftFacts, positions: number): number {
  return 2 * 4 * layers * width * positions;
}

/**
 * Throws `DraftRefused` for what an isolate has no memory for.
 *
 * @param bytes of the graph
 */
export function requireFitting(facts: DraftFacts, bytes: number): void {
  if (bytes > MAX_DRAFT_BYTES) {
    throw new DraftRefused(
      `${facts.id} has ${inMegabytes(bytes)}, and the worker has memory for ${inMegabytes(MAX_DRAFT_BYTES)}: ` +
        'add fewer layers of it (--layers), or a smaller model',
    );
  }
  const cache = draftCacheBytes(facts, facts.positions);
  if (cache > MAX_DRAFT_CACHE_BYTES) {
    throw new DraftRefused(
      `the keys and values of ${facts.id} take ${inMegabytes(cache)} a turn, ` +
        `and the worker has memory for ${inMegabytes(MAX_DRAFT_CACHE_BYTES)}`,
    );
  }
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
